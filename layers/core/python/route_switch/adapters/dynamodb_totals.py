"""The counters of days, all of them, summed over days and shards."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import batch_get
from route_switch.adapters.results_table import SHARDS, day_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbTotals:
    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def read(self, days: Sequence[date]) -> dict[str, float]:
        """A day has up to 16 items."""
        keys = [day_key(day, shard) for day in days for shard in range(SHARDS)]
        totals: defaultdict[str, float] = defaultdict(float)
        for item in batch_get(self._dynamodb, self._table, keys):
            for name, value in item.items():
                if "N" in value:
                    totals[name] += float(value["N"])
        return dict(totals)
