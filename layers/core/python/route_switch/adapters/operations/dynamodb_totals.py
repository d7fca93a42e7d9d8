"""The counters of days, keys' months and learning runs, summed over shards.

Reads grow with the days, months and keys that are requested, never with requests.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from route_switch.adapters.dynamodb_reads import KEYS_PER_BATCH, batch_get, store_errors
from route_switch.adapters.results_table import (
    RUN_COUNTER,
    SHARDS,
    cap_key,
    day_key,
    month_key,
)
from route_switch.domain.learning.learning_run import day_of_run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from route_switch.adapters.dynamodb_reads import Item

READ_THREADS = 8
"""A year of days takes 59 batches: several seconds if read one after the other."""

Group = TypeVar("Group", date, str)


class DynamoDbTotals:
    """Every method raises `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def read(self, days: Sequence[date]) -> dict[str, float]:
        """Return the sum of the days' counters."""
        totals: defaultdict[str, float] = defaultdict(float)
        for counters in self.of_days(days).values():
            _add(counters, totals)
        return dict(totals)

    def of_days(self, days: Sequence[date]) -> dict[date, dict[str, float]]:
        """Read up to 16 items per day. A day without items has no counters."""
        return self._sum({day: [day_key(day, n) for n in range(SHARDS)] for day in days})

    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> dict[str, dict[str, float]]:
        """Sum over the `months` (`YYYY-MM`). A key without requests in them has no counters."""
        return self._sum(
            {
                key_id: [month_key(key_id, month, n) for month in months for n in range(SHARDS)]
                for key_id in key_ids
            }
        )

    def learning_of_days(self, months: Sequence[str]) -> dict[date, float]:
        """Return what learning runs of these months spent or reserved, by day of the run."""
        spent: defaultdict[date, float] = defaultdict(float)
        for counters in self._sum({month: [cap_key(month)] for month in months}).values():
            for name, usd in counters.items():
                if name.startswith(RUN_COUNTER):
                    spent[day_of_run(name.removeprefix(RUN_COUNTER))] += usd
        return dict(spent)

    @store_errors()
    def _sum(self, wanted: "Mapping[Group, list[Item]]") -> dict[Group, dict[str, float]]:
        group_of = {key["pk"]["S"]: group for group, keys in wanted.items() for key in keys}
        sums: dict[Group, defaultdict[str, float]] = {g: defaultdict(float) for g in wanted}
        for item in self._items([key for keys in wanted.values() for key in keys]):
            numbers = {name: float(value["N"]) for name, value in item.items() if "N" in value}
            _add(numbers, sums[group_of[item["pk"]["S"]]])
        return {group: dict(counters) for group, counters in sums.items()}

    def _items(self, keys: "list[Item]") -> "Iterator[Item]":
        batches = [keys[n : n + KEYS_PER_BATCH] for n in range(0, len(keys), KEYS_PER_BATCH)]
        with ThreadPoolExecutor(READ_THREADS) as pool:
            for items in pool.map(self._batch, batches):
                yield from items

    def _batch(self, keys: "list[Item]") -> "list[Item]":
        return list(batch_get(self._dynamodb, self._table, keys))


def _add(counters: Mapping[str, float], totals: dict[str, float]) -> None:
    """`totals` must default to 0.0."""
    for name, value in counters.items():
        totals[name] += value
