"""What a version of the prompt did with a day's requests, from the day's counters."""

from datetime import date
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import batch_get, store_errors
from route_switch.adapters.results_table import SHARDS, day_key, routed_counters
from route_switch.domain.learning.drift import RoutedDay

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbRoutedDays:
    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def routed(self, day: date, prompt_version: str) -> RoutedDay:
        """Reads the day's shards, 16 small items; raises `StoreError`."""
        tiers, lengths = routed_counters(prompt_version)
        totals = dict.fromkeys((*tiers, *lengths), 0)
        keys = [day_key(day, shard) for shard in range(SHARDS)]
        for item in batch_get(self._dynamodb, self._table, keys, tuple(totals)):
            for name, value in item.items():
                totals[name] += int(value["N"])
        return RoutedDay(
            tuple(totals[name] for name in tiers), tuple(totals[name] for name in lengths)
        )
