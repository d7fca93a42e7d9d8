"""Where lost records are saved, and the queue and log that they come from."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from route_switch.adapters.dynamodb_reads import batch_get, store_errors
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.results_table import REJECTED, counted_key, item_key, record_key
from route_switch.domain.errors import StoreError
from route_switch.domain.operations.logged_requests import MARKS
from route_switch.domain.request_record import RequestRecord
from route_switch.services.operations.replay_log import LogLine
from route_switch.services.operations.replay_records import QueuedRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

HIDDEN_S = 120
WAIT_S = 1
"""A short poll asks some of SQS's servers only, and may find nothing."""
REJECTED_TTL_S = 90 * 24 * 3600
_PER_CALL = 10


class DynamoDbHome:
    """Every method raises `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        store: DynamoDbResultStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._store = store
        self._now = now

    @store_errors()
    def counted(self, request_ids: list[str]) -> set[str]:
        keys = [make(each) for each in request_ids for make in (record_key, counted_key)]
        found = batch_get(self._dynamodb, self._table, keys, ("pk",))
        return {item["pk"]["S"].partition("#")[2] for item in found}

    @store_errors()
    def bring_home(
        self, record: RequestRecord, expires_at: int, at_most_usd: float | None = None
    ) -> bool:
        return self._store.bring_home(record, expires_at, at_most_usd)

    @store_errors()
    def reject(self, name: str, body: str, reason: str) -> None:
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                **item_key(REJECTED, name),
                "body": {"S": body},
                "reason": {"S": reason},
                "expires_at": {"N": str(int(self._now()) + REJECTED_TTL_S)},
            },
        )


class SqsRecords:
    """A message that was read stays hidden from others for `hidden_s`."""

    def __init__(
        self, sqs: "SQSClient", url: str, limit: int, hidden_s: int = HIDDEN_S, wait_s: int = WAIT_S
    ) -> None:
        self._sqs = sqs
        self._hidden_s = hidden_s
        self._wait_s = wait_s
        self._url = url
        self._limit = limit

    def messages(self) -> Iterator[QueuedRecord]:
        """Yield up to `limit` messages, each once, until the queue shows no more."""
        seen: set[str] = set()
        while len(seen) < self._limit:
            with store_errors("The queue of records"):
                answer = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(_PER_CALL, self._limit - len(seen)),
                    VisibilityTimeout=self._hidden_s,
                    WaitTimeSeconds=self._wait_s,
                )
            found = [m for m in answer.get("Messages", ()) if m["MessageId"] not in seen]
            if not found:
                return
            for message in found:
                seen.add(message["MessageId"])
                yield QueuedRecord(message["MessageId"], message["Body"], message["ReceiptHandle"])

    @store_errors("The queue of records")
    def remove(self, message: QueuedRecord) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)


def logged_lines(
    logs: Any,  # boto3 creates its clients at run time
    group: str,
    since: datetime,
    limit: int,
) -> Iterator[str]:
    """Yield the lines of a log group that name requests. Raise `StoreError` above `limit`: a part
    of them would leave requests without their exact figures."""
    pattern = " ".join(f'?"{mark}"' for mark in MARKS)
    read = 0
    for page in _pages(logs, group, pattern, since):
        for event in page:
            read += 1
            if read > limit:
                raise StoreError(
                    f"The log has more than {limit} lines to read. Take a shorter time with "
                    "--hours, or raise --limit."
                )
            yield event["message"]


def logged_pages(
    logs: Any, group: str, key_id: str, since: datetime, until: datetime
) -> Iterator[list[LogLine]]:
    """Yield the lines of a log group that name this key, page by page and the oldest first. A page
    may be empty. Raise `StoreError`."""
    for page in _pages(logs, group, f'"{key_id}"', since, until):
        yield [
            LogLine(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), event["message"])
            for event in page
        ]


def _pages(
    logs: Any, group: str, pattern: str, since: datetime, until: datetime | None = None
) -> Iterator[Any]:
    end = {} if until is None else {"endTime": int(until.timestamp() * 1000)}
    with store_errors("The router's log"):
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group,
            startTime=int(since.timestamp() * 1000),
            filterPattern=pattern,
            **end,
        ):
            yield page["events"]
