"""What a running local stack has recorded, and `records replay` on it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.aws.client import StackInfo, aws_client
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_replay import DynamoDbHome, SqsRecords
from route_switch.adapters.s3 import S3TextStore
from route_switch.services.operations.replay_records import Replayed, ReplayRecords
from tests.support.accounts import AgreeingSums

ENDED = timedelta(minutes=30)
"""The replay runs as if this much later: it leaves out requests that may still be running."""


@dataclass(frozen=True, slots=True)
class StackAccounts(AgreeingSums):
    """`requests` are the recorded ones by id, the others what days and keys' months have counted.
    `unknown` is the number of requests of unknown cost."""

    requests: frozenset[str]
    by_days: int
    by_months: int
    unknown: int
    items_usd: float
    days_usd: float
    months_usd: float


def accounts_of(stack: StackInfo) -> StackAccounts:
    dynamodb = aws_client("dynamodb", stack.aws_endpoint, stack.region)
    pages = dynamodb.get_paginator("scan").paginate(TableName=stack.results_table)
    records: list[dict[str, Any]] = []
    totals: dict[str, list[Any]] = {"DAY": [], "KEY": []}
    for item in (each for page in pages for each in page["Items"]):
        kind = item["pk"]["S"].partition("#")[0]
        if item["sk"]["S"] == "RESULT":
            records.append(json.loads(item["record"]["S"]))
        elif kind in totals:
            totals[kind].append(item)
    days, months = totals["DAY"], totals["KEY"]
    return StackAccounts(
        frozenset(each["request_id"] for each in records),
        int(_sum(days, "answered", "failed")),
        int(_sum(months, "answered", "failed")),
        int(_sum(days, "cost_usd:unknown")),
        sum(each["cost_usd"] or 0.0 for each in records),
        _sum(days, "cost_usd"),
        _sum(months, "cost_usd"),
    )


def replay(stack: StackInfo, logs: Path) -> Replayed:
    """Do what `route-switch records replay` does with the queue, and with the router's log."""
    done, table = Replayed(), stack.results_table
    dynamodb = aws_client("dynamodb", stack.aws_endpoint, stack.region)
    texts = S3TextStore(lambda: aws_client("s3", stack.aws_endpoint, stack.region), "")
    home = DynamoDbHome(dynamodb, table, DynamoDbResultStore(dynamodb, table, texts))
    service = ReplayRecords(home, 30, lambda: datetime.now(UTC) + ENDED)
    sqs = aws_client("sqs", stack.aws_endpoint, stack.region)
    for url in sqs.list_queues().get("QueueUrls", []):
        if "Records" in url:
            service.queue(SqsRecords(sqs, url, 100_000, wait_s=0), done)
    service.log(_lines(logs.glob("*Router*.log")), done)
    return done


def _lines(files: Iterable[Path]) -> Iterable[str]:
    for file in files:
        yield from file.read_text("utf-8", errors="replace").splitlines()


def _sum(items: Iterable[Any], *names: str) -> float:
    return sum(float(item[name]["N"]) for item in items for name in names if name in item)
