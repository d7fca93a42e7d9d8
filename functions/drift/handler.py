"""The daily drift check, started by EventBridge Scheduler. It may start a learning run."""

from datetime import date, datetime, timedelta
from typing import TypedDict

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.domain.errors import StoreError
from route_switch.domain.learning.drift import DriftDay
from route_switch.services.learning.check_drift import DriftCheck, DriftOutcome
from route_switch.wiring.scheduled import check_drift, drift_days

logger = Logger(service="drift")
metrics = Metrics(service="drift")


class ScheduledEvent(TypedDict):
    """`scheduled_time` is in UTC, and the same if the event is delivered again."""

    scheduled_time: str


@metrics.log_metrics
def lambda_handler(event: ScheduledEvent, _context: LambdaContext) -> dict[str, str]:
    today = datetime.fromisoformat(event["scheduled_time"]).date()
    checked = check_drift()(today)
    _emit(checked)
    _keep(checked, today - timedelta(days=1))
    return {"outcome": checked.outcome}


def _keep(checked: DriftCheck, day: date) -> None:
    """Keep the figures for the time line. A day that is missing there is no reason to fail: the
    check may have started a run."""
    if checked.drift is None or checked.prompt_version is None:
        return
    try:
        drift_days().put(DriftDay(day, checked.prompt_version, checked.drift))
    except StoreError as error:
        logger.warning(f"The day's drift is not in the time line: {error}")


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
