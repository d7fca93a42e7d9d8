"""A few days' counters, as a request may need them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import batch_get, store_errors
from route_switch.adapters.results_table import SHARDS, day_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbDays:
    """`DayCounters`, limited to these counters."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, names: Sequence[str]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._names = names

    @store_errors()
    def of_days(self, days: Sequence[date]) -> Mapping[date, Mapping[str, float]]:
        """Read up to 16 items per day."""
        day_of = {day_key(day, n)["pk"]["S"]: day for day in days for n in range(SHARDS)}
        keys = [day_key(day, n) for day in days for n in range(SHARDS)]
        sums = {day: dict.fromkeys(self._names, 0.0) for day in days}
        for item in batch_get(self._dynamodb, self._table, keys, ("pk", *self._names)):
            totals = sums[day_of[item["pk"]["S"]]]
            for name in self._names:
                totals[name] += float(item[name]["N"]) if name in item else 0.0
        return sums
