"""The router's handler in this process, with a fault proxy between it and everything it calls.

Models are a scripted server, and AWS is moto's server, both reached over HTTP through the proxy.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from route_switch.adapters.dynamodb_results import MAX_TEXT_BYTES, DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_replay import DynamoDbHome, SqsRecords
from route_switch.adapters.s3 import S3TextStore
from route_switch.domain.pricing import cost_usd
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.usage import Usage
from route_switch.services.operations.replay_records import Replayed, ReplayRecords
from tests.integration.conftest import (
    CATALOG,
    LONG,
    Answer,
    Api,
    create_resources,
    forget,
    make_dynamodb_atomic,
)
from tests.support.accounts import AgreeingSums
from tests.support.charges import Charge, Compared, compare
from tests.support.fault_proxy import FaultProxy, running_proxy
from tests.support.faults import MODELS, case_of
from tests.support.upstream import Body, Reply, completion, running_upstream, streamed

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DEADLINE_S = 12.0
"""A request's time limit. Each limit here is shorter than in production; the code is the same."""
LIMITS = {
    "router_timeout_s": 0.5,
    "attempt_s": 1.0,
    "stall_s": 0.8,
    "request_deadline_s": DEADLINE_S,
}
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses")
LONG_TEXT = "Consider the coast. " * (MAX_TEXT_BYTES // 20 + 1)
ROUTER_USED, TIER_USED = Usage(1000, 1), Usage(11, 7)
"""What an answer reports to have used."""
LATE_S = 0.5
"""The processor's share beyond the deadline that a busy machine may take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`number` is the request's. `request_id` is empty if it was refused before it was routed."""

    number: int
    answer: Answer
    seconds: float
    request_id: str

    @property
    def broke_off(self) -> bool:
        """Whether a stream ended with an error: the client has seen a part of the answer, so no
        other tier can answer."""
        errors = ('"error":{', '"error": {', '"response.failed"')
        return self.answer.status == 200 and any(each in self.answer.text for each in errors)

    @property
    def is_answered(self) -> bool:
        in_time = self.seconds <= DEADLINE_S + LATE_S
        return self.answer.status == 200 and in_time and not self.broke_off

    @property
    def teaches(self) -> bool:
        """Whether an error says what happened, in the form of its protocol."""
        if self.answer.status == 200:
            return True
        try:
            message = str(self.answer.error["message"])
        except (KeyError, ValueError, AssertionError):
            return False
        return len(message.split()) >= 5


@dataclass(frozen=True, slots=True)
class Kept(AgreeingSums):
    """Where records are, by the requests' ids; and money by place, in USD. `counted` is how many
    requests the days have counted. `paid` are the numbers of those that a model answered, and `cut`
    of those of which an answer did not arrive whole."""

    table: frozenset[str]
    queue: frozenset[str]
    log: frozenset[str]
    items_usd: float
    days_usd: float
    months_usd: float
    counted: int
    paid: frozenset[int]
    cut: frozenset[int]

    @property
    def ids(self) -> frozenset[str]:
        return self.table | self.queue | self.log


@dataclass
class FaultyRouter:
    api: Api
    proxy: FaultProxy
    log: list[str]
    queued: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)
    """Of requests, by their ids."""

    def cold(self) -> None:
        """Forget what a process keeps, as if the process were new."""
        forget()

    def ask(self, number: int) -> Outcome:
        """Send the nth request: its protocol, its length and whether it is streamed change with
        n."""
        started = time.monotonic()
        body = body_of(number, is_long=number % 4 == 0)
        answer = self.api("POST", PATHS[number % 3], body)
        seconds = time.monotonic() - started
        request_id = answer.headers.get("x-request-id", "")
        if request_id:
            self.numbers[request_id] = number
        return Outcome(number, answer, seconds, request_id)

    def kept(self) -> Kept:
        self._receive()
        items = _items()
        stored = _records(items)
        return Kept(
            frozenset(each["request_id"] for each in stored),
            frozenset(self.queued),
            frozenset(
                str(json.loads(line[line.index("{") :])["request_id"])
                for line in self.log
                if line.startswith("Record not saved")
            ),
            sum(each["cost_usd"] or 0.0 for each in stored),
            _usd(items, "DAY#"),
            _usd(items, "KEY#"),
            int(sum(_sum(items, "DAY#", name) for name in ("answered", "failed"))),
            self.proxy.paid,
            self.proxy.cut,
        )

    def charges(self) -> Compared:
        """Compare all calls of models with the records in the table."""
        charged = (
            Charge(
                self.numbers.get(record["request_id"]),
                attempt["model"].partition("/")[2],
                attempt["cost_usd"],
                attempt["status"] == "answered",
                attempt["estimated"],
            )
            for record in _records(_items())
            for attempt in record["attempts"]
        )
        return compare(self.proxy.calls, charged, price_of)

    def replay(self) -> Replayed:
        """Do what `route-switch records replay` does with the queue and the log."""
        done, table = Replayed(), "results"
        dynamodb, texts = boto3.client("dynamodb"), S3TextStore(lambda: boto3.client("s3"), "texts")
        home = DynamoDbHome(dynamodb, table, DynamoDbResultStore(dynamodb, table, texts))
        service = ReplayRecords(home, 30, lambda: datetime.now(UTC))
        sqs, url = self._queue()
        service.queue(SqsRecords(sqs, url, 100_000, hidden_s=60, wait_s=0), done)
        service.log((json.dumps({"message": line}) for line in self.log), done)
        return done

    def _receive(self) -> None:
        """Note the ids of all messages, and leave them in the queue."""
        sqs, url = self._queue()
        seen = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                self.queued.add(str(json.loads(message["Body"])["request_id"]))
                seen.append(message["ReceiptHandle"])
        for handle in seen:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)

    @staticmethod
    def _queue() -> "tuple[SQSClient, str]":
        sqs = boto3.client("sqs")
        return sqs, sqs.get_queue_url(QueueName="records")["QueueUrl"]


def body_of(number: int, *, is_long: bool = False) -> Mapping[str, object]:
    """A long query is stored in S3, others in DynamoDB alone."""
    path, stream = PATHS[number % 3], number // 3 % 2 == 1
    text = f"{LONG} {LONG_TEXT if is_long else ''} Case {number}."
    if path == "/v1/responses":
        return {"model": "auto", "input": text, "stream": stream, "store": False}
    body = {"model": "auto", "stream": stream, "messages": [{"role": "user", "content": text}]}
    return {**body, "max_tokens": 100} if path == "/v1/messages" else body


def scripted(body: Body) -> Reply:
    """The router chooses the tier by the request's number: of three in a row, each gets another
    tier, and each protocol meets each tier."""
    if MODELS[str(body["model"])] == "router":
        number = case_of(json.dumps(body["messages"])) or 0
        tier, used = (number + number // 3) % 3 + 1, ROUTER_USED
        return completion(str(tier), used.input_tokens, used.output_tokens)
    return streamed("It ", "depends.") if body.get("stream") else completion("It depends.")


def price_of(model: str) -> float | None:
    """Return what an answer of the model costs."""
    used = ROUTER_USED if model == "router" else TIER_USED
    return cost_usd(used, CATALOG.price(f"openai/{model}"))


@contextmanager
def faulty_router(**changes: object) -> Iterator[FaultyRouter]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with (
            pytest.MonkeyPatch.context() as environment,
            running_upstream(scripted) as upstream,
            running_proxy(upstream.url.removesuffix("/v1"), f"http://{host}:{port}") as proxy,
            _log() as log,
        ):
            make_dynamodb_atomic(environment)
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                environment.setenv(name, "testing")
            environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
            environment.setenv("AWS_ENDPOINT_URL", proxy.url)
            config = RouterConfig.model_validate(
                {"models": CATALOG, "openai_base_url": f"{proxy.url}/v1", **LIMITS, **changes}
            )
            for name, value in create_resources(config).items():
                environment.setenv(name, value)
            forget()
            yield FaultyRouter(Api(upstream), proxy, log)
    finally:
        forget()
        server.stop()


@contextmanager
def _log() -> Iterator[list[str]]:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]  # collects
    logger = logging.getLogger("route_switch")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


def _items() -> list[Any]:  # as DynamoDB describes them
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName="results")
    return [item for page in pages for item in page["Items"]]


def _records(items: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(item["record"]["S"]) for item in items if item["sk"]["S"] == "RESULT"]


def _usd(items: list[dict[str, dict[str, str]]], prefix: str) -> float:
    return _sum(items, prefix, "cost_usd")


def _sum(items: list[dict[str, dict[str, str]]], prefix: str, name: str) -> float:
    totals = [item for item in items if item["pk"]["S"].startswith(prefix)]
    return sum(float(item.get(name, {}).get("N", 0)) for item in totals)
