"""The daily drift check, started by EventBridge Scheduler. It may start a learning run."""

from datetime import datetime
from typing import TypedDict

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.services.learning.check_drift import DriftCheck, DriftOutcome
from route_switch.wiring.scheduled import check_drift

logger = Logger(service="drift")
metrics = Metrics(service="drift")


class ScheduledEvent(TypedDict):
    """`scheduled_time` is in UTC, and the same if the event is delivered again."""

    scheduled_time: str


@metrics.log_metrics
def lambda_handler(event: ScheduledEvent, _context: LambdaContext) -> dict[str, str]:
    checked = check_drift()(datetime.fromisoformat(event["scheduled_time"]).date())
    _emit(checked)
    return {"outcome": checked.outcome}


def _emit(checked: DriftCheck) -> None:
    details = {"outcome": checked.outcome.value, "prompt_version": checked.prompt_version}
    for name, value in details.items():
        metrics.add_metadata(name, value)
    started = checked.outcome is DriftOutcome.RUN_STARTED
    metrics.add_metric("drift_runs_started", MetricUnit.Count, int(started))
    if checked.drift is not None:
        metrics.add_metric("drift_requests", MetricUnit.Count, checked.drift.requests)
        for name, found in (("tiers", checked.drift.tiers), ("lengths", checked.drift.lengths)):
            metrics.add_metric(f"drift_{name}_distance", MetricUnit.NoUnit, found.distance)
            metrics.add_metadata(f"drift_{name}_p_value", found.p_value)
    logger.info(f"Drift: {checked.outcome.value}.", prompt_version=checked.prompt_version)
