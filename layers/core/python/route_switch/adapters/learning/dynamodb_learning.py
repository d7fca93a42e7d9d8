"""What learning reads from the results table."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import batch_get, store_errors
from route_switch.adapters.results_table import (
    LEARNING_INDEX,
    SHARDS,
    as_hex,
    buckets,
    day_key,
    feedback_day,
    feedback_key,
    learning_bucket,
    learning_counter,
    read_record,
    read_replay,
    record_key,
    request_id_of,
    routed_counters,
)
from route_switch.domain.learning.drift import RoutedDay
from route_switch.domain.learning.learning_ports import LoadedRequests, RoutedRequests
from route_switch.domain.learning.past_request import PastRequest
from route_switch.domain.ports import TextStore
from route_switch.domain.request_record import NotReplayable
from route_switch.domain.sampling import POSITIONS, Arc

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
    )

    Item = dict[str, AttributeValueTypeDef]

UNREADABLE = (ValueError, KeyError, TypeError, RecursionError)
"""What parsing and validating a damaged or too deeply nested record raises. `ValueError` includes
pydantic's and json's errors. The store's errors are other types, and are raised."""


class DynamoDbLearning:
    """The index of requests to learn from, and the requests with their feedback.

    Every method raises `StoreError` when DynamoDB refuses or is unreachable.
    """

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        texts: TextStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._texts = texts
        self._now = now

    @store_errors()
    def count(self, days: Sequence[date]) -> RoutedRequests:
        """Read the days' shards: 16 small items per day, regardless of traffic."""
        keys = [day_key(day, shard) for day in days for shard in range(SHARDS)]
        names = {learning_counter(reason): reason for reason in (None, *NotReplayable)}
        totals: Counter[NotReplayable | None] = Counter()
        for item in batch_get(self._dynamodb, self._table, keys, tuple(names)):
            for name, value in item.items():
                totals[names[name]] += int(value["N"])
        reasons = {reason: totals[reason] for reason in NotReplayable if totals[reason]}
        return RoutedRequests(totals[None], reasons)

    @store_errors()
    def draw(self, days: Sequence[date], arc: Arc) -> list[str]:
        """Make one query per day and bucket that the arc touches, and read nothing else."""
        return [
            request_id
            for day in days
            for span in arc.spans
            for first, last in buckets(*span)
            for request_id in self._find(learning_bucket(day, first), first, last)
        ]

    @store_errors()
    def with_feedback(self, days: Sequence[date], limit: int) -> list[str]:
        newest_first = sorted(days, reverse=True)
        found = (id_ for day in newest_first for id_ in self._find(feedback_day(day)))
        return list(islice(found, limit))

    @store_errors()
    def keys(self, request_ids: Sequence[str]) -> dict[str, str]:
        records = [record_key(id_) for id_ in request_ids]
        found = batch_get(self._dynamodb, self._table, records, ("pk", "key_id"))
        return {request_id_of(item): item["key_id"]["S"] for item in found}

    @store_errors()
    def load(self, request_ids: Sequence[str]) -> LoadedRequests:
        """Read two items per id. Long texts come from S3, one at a time.

        A record that cannot be read is reported by its id and nothing else: errors quote names of
        fields, which a client chose.
        """
        keys = [key(id_) for id_ in request_ids for key in (record_key, feedback_key)]
        found = batch_get(self._dynamodb, self._table, keys)
        items = {(request_id_of(i), i["sk"]["S"]): i for i in found}
        requests, unreadable = [], []
        for id_ in request_ids:
            try:
                found_request = self._read(items.get((id_, "RESULT")), items.get((id_, "FEEDBACK")))
            except UNREADABLE:
                unreadable.append(id_)
                continue
            if found_request is not None:
                requests.append(found_request)
        return LoadedRequests(tuple(requests), tuple(unreadable))

    def _find(self, pk: str, first: int = 0, last: int = POSITIONS - 1) -> Iterator[str]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=LEARNING_INDEX,
            KeyConditionExpression="learn_pk = :pk AND learn_sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": {"S": pk},
                ":first": {"S": as_hex(first)},
                ":last": {"S": as_hex(last)},
            },
        )
        for page in pages:
            yield from map(request_id_of, page["Items"])

    def _read(self, item: "Item | None", feedback: "Item | None") -> PastRequest | None:
        if item is None or self._has_expired(item):
            return None
        record, replay = read_record(item, self._texts), read_replay(item, self._texts)
        if replay is None or record["query_text"] is None:  # its text has left S3
            return None
        said = json.loads(feedback["feedback"]["S"]) if feedback else {}
        return PastRequest.model_validate({**record, **replay, "feedback": said})

    def _has_expired(self, item: "Item") -> bool:
        return (
            int(item["expires_at"]["N"]) <= self._now()
        )  # DynamoDB deletes expired items within days


class DynamoDbRoutedDays:
    """How each prompt version routed a day's requests, from the day's counters."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def routed(self, day: date, prompt_version: str) -> RoutedDay:
        """Read the day's shards, 16 small items. Raise `StoreError` when DynamoDB fails."""
        tiers, lengths = routed_counters(prompt_version)
        totals = dict.fromkeys((*tiers, *lengths), 0)
        keys = [day_key(day, shard) for shard in range(SHARDS)]
        for item in batch_get(self._dynamodb, self._table, keys, tuple(totals)):
            for name, value in item.items():
                totals[name] += int(value["N"])
        return RoutedDay(
            tuple(totals[name] for name in tiers), tuple(totals[name] for name in lengths)
        )
