"""The hourly look at quality and at spending: EventBridge Scheduler in, perhaps a rollback out."""

import os
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypedDict, cast

import botocore.session
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbQuality
from route_switch.adapters.prompts.lambda_function import LambdaFunction, LambdaPromoter
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.services.operations.spend_pace import Pace, spend_pace
from route_switch.services.prompts.check_quality import CheckQuality, Outcome, QualityCheck

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_ssm import SSMClient

logger = Logger(service="monitor")
metrics = Metrics(service="monitor")

_PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3})
_ONCE = Config(connect_timeout=3, read_timeout=70, retries={"total_max_attempts": 1})
"""Longer than the promoter takes at most. The next hour asks again."""


class Event(TypedDict):
    """`scheduled_time` is in UTC, and the same when the event is delivered again."""

    scheduled_time: str


@metrics.log_metrics
def lambda_handler(event: Event, _context: LambdaContext) -> dict[str, str]:
    """Neither look keeps the other from being made."""
    now = datetime.fromisoformat(event["scheduled_time"])
    try:
        _emit_pace(spend_pace(_totals(), now))
    finally:
        checked = _check()(now)
        _emit_quality(checked)
    return {"outcome": checked.outcome}


@lru_cache(maxsize=1)
def _check() -> CheckQuality:
    # As in `route_switch.wiring.router`, without what only requests need.
    connect = botocore.session.get_session().create_client
    ssm = cast("SSMClient", connect("ssm", config=_PATIENCE))
    promoter = cast("LambdaClient", connect("lambda", config=_ONCE))
    live, seed = os.environ["LIVE_PROMPT_PARAMETER"], os.environ["SEED_PROMPT_PARAMETER"]
    return CheckQuality(
        SsmPromptStore(ssm, live, seed),
        DynamoDbQuality(_dynamodb(), os.environ["RESULTS_TABLE"]),
        LambdaPromoter(LambdaFunction(promoter, os.environ["PROMOTER_FUNCTION"])),
    )


def _totals() -> DynamoDbTotals:
    return DynamoDbTotals(_dynamodb(), os.environ["RESULTS_TABLE"])


@lru_cache(maxsize=1)
def _dynamodb() -> "DynamoDBClient":
    connect = botocore.session.get_session().create_client
    return cast("DynamoDBClient", connect("dynamodb", config=_PATIENCE))


def _emit_pace(pace: Pace) -> None:
    metrics.add_metric("month_usd", MetricUnit.NoUnit, pace.month_usd)
    metrics.add_metric("projected_month_usd", MetricUnit.NoUnit, pace.projected_month_usd)


def _emit_quality(checked: QualityCheck) -> None:
    rolled_back = checked.outcome is Outcome.ROLLED_BACK
    metrics.add_metric("quality_dropped", MetricUnit.Count, int(rolled_back))
    if checked.scores is not None and checked.scores.n:
        metrics.add_metric("prompt_quality", MetricUnit.NoUnit, checked.scores.mean)
    details = {"outcome": checked.outcome.value, "prompt_version": checked.prompt_version}
    for name, value in details.items():
        metrics.add_metadata(name, value)
    answer = checked.rolled_back
    logger.info(
        f"Quality: {checked.outcome.value}.",
        extra={**details, "why": None if answer is None else answer.why},
    )
