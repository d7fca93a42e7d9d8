"""The list of results (`adapters.listed_results`), merged over the shards of a day."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from heapq import merge
from itertools import chain
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from route_switch.adapters.dynamodb_reads import batch_get, store_errors
from route_switch.adapters.listed_results import (
    LISTED_SHARDS,
    listed_partitions,
    stored_row,
)
from route_switch.adapters.results_table import SHARDS, day_key, feedback_key, request_id_of
from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.domain.result_row import ResultRow
from route_switch.services.operations.list_results import ListedEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

_ROW = TypeAdapter(ResultRow)
_SPARE = 8
"""Shards are not equally full, so this many rows more than its share are read from each."""


class DynamoDbListing:
    """`ListedResults`. Raises `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(
        self, dynamodb: "DynamoDBClient", table: str, now: Callable[[], float] = time.time
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._now = now

    def of_day(self, day: date, before: str, chunk: int) -> Iterator[ListedEntry]:
        limit = chunk // LISTED_SHARDS + _SPARE
        shards = [self._of_shard(each, before, limit) for each in listed_partitions(day)]
        return map(self._entry, merge(*shards, key=_position, reverse=True))

    def _entry(self, item: "Item") -> ListedEntry:
        # DynamoDB deletes expired items within days.
        has_expired = int(item["expires_at"]["N"]) <= self._now()
        return ListedEntry(_position(item), None if has_expired else _row_of(item))

    def _of_shard(self, partition: str, before: str, limit: int) -> "Iterator[Item]":
        """Read pages of `limit` as they are needed."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk < :before",
            ExpressionAttributeValues={":pk": {"S": partition}, ":before": {"S": before}},
            ScanIndexForward=False,
            PaginationConfig={"PageSize": limit},
        )
        with store_errors():
            yield from chain.from_iterable(page["Items"] for page in pages)

    @store_errors()
    def days_with_requests(self, days: Sequence[date]) -> set[date]:
        """Return the days that have counters: those with requests."""
        day_of = {day_key(day, n)["pk"]["S"]: day for day in days for n in range(SHARDS)}
        keys = [day_key(day, n) for day in days for n in range(SHARDS)]
        found = batch_get(self._dynamodb, self._table, keys, ("pk",))
        return {day_of[item["pk"]["S"]] for item in found}

    @store_errors()
    def feedback_of(self, request_id: str) -> GivenFeedback | None:
        """Return the feedback on one answer, as it is at this moment."""
        key = feedback_key(request_id)
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _feedback_in(found["Item"]) if "Item" in found else None

    @store_errors()
    def feedback_on(self, request_ids: Sequence[str]) -> dict[str, GivenFeedback]:
        keys = [feedback_key(each) for each in request_ids]
        found = batch_get(self._dynamodb, self._table, keys, ("pk", "feedback"))
        return {request_id_of(item): _feedback_in(item) for item in found}


def _position(item: "Item") -> str:
    return item["sk"]["S"]


def _feedback_in(item: "Item") -> GivenFeedback:
    return GivenFeedback.model_validate_json(item["feedback"]["S"])


def _row_of(item: "Item") -> ResultRow | None:
    """A later release may write what this one does not know."""
    try:
        return _ROW.validate_python(stored_row(item))
    except ValidationError:
        return None
