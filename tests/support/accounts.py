"""Requests, replays, deletions and kills on one results table, and whether its accounts agree."""

import json
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import boto3

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_deletion import DynamoDbDeletion
from route_switch.adapters.operations.dynamodb_replay import DynamoDbHome, SqsRecords
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.sqs import SqsLostRecords
from route_switch.domain.errors import StoreError
from route_switch.domain.lost_record import lost_record_as_json
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.router_config import RouterConfig
from route_switch.services.announce_request import announcement
from route_switch.services.operations.replay_records import Replayed, ReplayRecords
from route_switch.services.record_request import RecordRequest
from tests.support.faulty_aws import Fault, FaultyClient, KilledError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

RETENTION_DAYS = 30
WORST_USD = 0.5


def aws_client(service: str) -> Any:  # boto3 creates its clients at run time
    return boto3.client(service, region_name="eu-west-1")


class Ended(StrEnum):
    """Where a function was killed, if not by a call's fault."""

    NOWHERE = "nowhere"
    BEFORE_ANSWER = "before its answer"
    BEFORE_RECORD = "between answer and record"


class Inline(Executor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **options))
        except BaseException as error:  # noqa: BLE001, RUF100 (the future raises it)
            done.set_exception(error)
        return done


class AgreeingSums:
    """What the requests cost, by three ways of counting."""

    __slots__ = ()
    items_usd: float
    days_usd: float
    months_usd: float

    @property
    def difference_usd(self) -> float:
        figures = (self.items_usd, self.days_usd, self.months_usd)
        return max(figures) - min(figures)


class NoTexts:
    def put(self, key: str, text: str) -> None: ...

    def get(self, key: str) -> str | None: ...

    def delete_all(self, prefix: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Sums(AgreeingSums):
    """`unknown` counts requests of unknown cost; `items_usd` includes those that were deleted."""

    requests: int
    counted_by_day: int
    counted_by_month: int
    unknown: int
    items_usd: float
    days_usd: float
    months_usd: float


class Accounts(logging.Handler):
    """One stage. Its log keeps what the router would have written."""

    def __init__(self, config: RouterConfig, next_fault: Callable[[], Fault]) -> None:
        super().__init__()
        self._plain: Any = aws_client("dynamodb")
        self._lock = lock = Lock()
        client = FaultyClient(self._plain, next_fault, lock)
        self._dynamodb = cast("DynamoDBClient", client)
        self._plain_sqs: Any = aws_client("sqs")
        self._url = self._plain_sqs.create_queue(QueueName="accounts")["QueueUrl"]
        self._sqs = cast("SQSClient", FaultyClient(self._plain_sqs, next_fault, lock))
        texts = cast("S3TextStore", NoTexts())
        self._store = DynamoDbResultStore(self._dynamodb, "results", texts, sleep=lambda _: None)
        lost = SqsLostRecords(lambda: self._sqs, self._url)
        self._record = RecordRequest(self._store, lost, config, lambda: b"", Inline())
        self._deletion = DynamoDbDeletion(self._dynamodb, "results", "idempotency", texts)
        self.log: list[str] = []
        self.paid_usd: dict[str, float] = {}
        self.deleted_usd: dict[str, float | None] = {}
        self.kills = 0
        logging.getLogger("route_switch").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.log.append(json.dumps({"message": record.getMessage()}))

    def request(self, record: RequestRecord, ended: Ended) -> None:
        self.log.append(
            announcement(record.request_id, record.key_id, record.created_at, WORST_USD)
        )
        self.paid_usd[record.request_id] = record.cost_usd or 0.0
        if ended is Ended.BEFORE_ANSWER:
            self.kills += 1
            return
        self.log.append(metrics_line(record))
        if ended is Ended.BEFORE_RECORD:
            self.kills += 1
            return
        self._unless_killed(lambda: self._record(record, 1.0))

    def queue_again(self, record: RequestRecord) -> None:
        """Queue a copy of a record: SQS delivers at least once, and senders repeat themselves."""
        body = json.dumps(lost_record_as_json(record))
        with self._lock:
            self._plain_sqs.send_message(QueueUrl=self._url, MessageBody=body)

    def delete(self, request_id: str) -> None:
        def delete() -> None:
            with suppress(StoreError):
                found = self._deletion.find(request_id)
                if found is not None:
                    self._deletion.delete(found)

        item = self._item(request_id)
        if item is not None:
            self.deleted_usd[request_id] = json.loads(item["record"]["S"])["cost_usd"]
            self._unless_killed(delete)

    def replay(self) -> Replayed:
        """Save every record that the queue and the log have."""
        done = Replayed()
        home = DynamoDbHome(self._dynamodb, "results", self._store)
        service = ReplayRecords(home, RETENTION_DAYS, lambda: datetime.now(UTC))
        queue = SqsRecords(self._sqs, self._url, 100_000, hidden_s=0, wait_s=0)

        def run() -> None:
            with suppress(StoreError):
                service.queue(queue, done)
                service.log(list(self.log), done)

        self._unless_killed(run)
        return done

    def sums(self) -> Sums:
        items, days, months, ids = 0.0, [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], set[str]()
        for page in self._plain.get_paginator("scan").paginate(TableName="results"):
            for item in page["Items"]:
                kind, _, name = item["pk"]["S"].partition("#")
                if kind == "RESULT":
                    ids.add(name)
                    items += json.loads(item["record"]["S"])["cost_usd"] or 0.0
                elif kind == "COUNTED":
                    ids.add(name)
                    items += self.deleted_usd[name] or 0.0
                elif kind in ("DAY", "KEY"):
                    _add(days if kind == "DAY" else months, item)
        counted = int(days[0]), int(months[0]), int(days[2])
        return Sums(len(ids), *counted, items, days[1], months[1])

    def close(self) -> None:
        logging.getLogger("route_switch").removeHandler(self)
        super().close()

    def _unless_killed(self, act: Callable[[], object]) -> None:
        try:
            act()
        except KilledError:
            self.kills += 1

    def _item(self, request_id: str) -> Any:
        key = {"pk": {"S": f"RESULT#{request_id}"}, "sk": {"S": "RESULT"}}
        with self._lock:
            return self._plain.get_item(TableName="results", Key=key).get("Item")


def hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def _add(sums: list[float], item: dict[str, dict[str, str]]) -> None:
    for index, names in enumerate((("answered", "failed"), ("cost_usd",), ("cost_usd:unknown",))):
        sums[index] += sum(float(item[name]["N"]) for name in names if name in item)


def metrics_line(record: RequestRecord) -> str:
    """The part of `api.request_metrics` that a replay reads."""
    return json.dumps(
        {
            "_aws": {"Timestamp": int(record.created_at.timestamp() * 1000)},
            "request_id": record.request_id,
            "key_id": record.key_id,
            "status": record.status,
            "tier": record.tier.value,
            "reason": record.reason.value,
            "answered_by": record.model,
            "routed_with": record.prompt_version,
            "requests_answered": [1],
            "cost_usd": [record.cost_usd],
            "router_cost_usd": [record.router_cost_usd],
            f"tier_{record.tier}_cost_usd": [record.cost_usd],
        }
    )
