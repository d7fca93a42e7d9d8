"""The daily look at drift: EventBridge Scheduler in, perhaps a learning run out."""

import os
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypedDict, cast

import botocore.session
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from route_switch.adapters.learning.dynamodb_routed import DynamoDbRoutedDays
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.step_functions import StepFunctionsRuns
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.services.learning.check_drift import CheckDrift, DriftCheck, Outcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

logger = Logger(service="drift")
metrics = Metrics(service="drift")

_PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3})


class Event(TypedDict):
    """`scheduled_time` is in UTC, and the same when the event is delivered again."""

    scheduled_time: str


@metrics.log_metrics
def lambda_handler(event: Event, _context: LambdaContext) -> dict[str, str]:
    checked = _check()(datetime.fromisoformat(event["scheduled_time"]).date())
    _emit(checked)
    return {"outcome": checked.outcome}


@lru_cache(maxsize=1)
def _check() -> CheckDrift:
    # As in `route_switch.wiring.router`, without what only requests need.
    connect = botocore.session.get_session().create_client
    dynamodb = cast("DynamoDBClient", connect("dynamodb", config=_PATIENCE))
    ssm = cast("SSMClient", connect("ssm", config=_PATIENCE))
    step_functions = cast("SFNClient", connect("stepfunctions", config=_PATIENCE))
    environment = os.environ
    return CheckDrift(
        SsmPromptStore(
            ssm, environment["LIVE_PROMPT_PARAMETER"], environment["SEED_PROMPT_PARAMETER"]
        ),
        DynamoDbRoutedDays(dynamodb, environment["RESULTS_TABLE"]),
        StepFunctionsRuns(step_functions, environment["STATE_MACHINE_ARN"]),
        DynamoDbRuns(dynamodb, environment["RESULTS_TABLE"]),
        SsmSwitchStore(ssm, environment["SWITCHES_PARAMETER"]),
    )


def _emit(checked: DriftCheck) -> None:
    details = {"outcome": checked.outcome.value, "prompt_version": checked.prompt_version}
    for name, value in details.items():
        metrics.add_metadata(name, value)
    started = checked.outcome is Outcome.RUN_STARTED
    metrics.add_metric("drift_runs_started", MetricUnit.Count, int(started))
    if checked.drift is not None:
        metrics.add_metric("drift_requests", MetricUnit.Count, checked.drift.requests)
        for name, found in (("tiers", checked.drift.tiers), ("lengths", checked.drift.lengths)):
            metrics.add_metric(f"drift_{name}_distance", MetricUnit.NoUnit, found.distance)
            metrics.add_metadata(f"drift_{name}_p_value", found.p_value)
    logger.info(f"Drift: {checked.outcome.value}.", prompt_version=checked.prompt_version)
