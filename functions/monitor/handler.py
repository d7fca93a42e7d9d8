"""The hourly check of quality, spending and keys, started by EventBridge Scheduler.

It may order a rollback from the promoter.
"""

from dataclasses import asdict
from datetime import datetime
from typing import TypedDict

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.services.operations.spend_pace import SpendPace, spend_pace
from route_switch.services.operations.watch_keys import SHARES, watch_keys
from route_switch.services.prompts.check_quality import QualityCheck, QualityOutcome
from route_switch.wiring.scheduled import check_quality, keys, totals

logger = Logger(service="monitor")
metrics = Metrics(service="monitor")


class ScheduledEvent(TypedDict):
    """`scheduled_time` is in UTC, and the same if the event is delivered again."""

    scheduled_time: str


@metrics.log_metrics
def lambda_handler(event: ScheduledEvent, _context: LambdaContext) -> dict[str, str]:
    """Run all checks, even if one fails."""
    now = datetime.fromisoformat(event["scheduled_time"])
    try:
        try:
            _emit_pace(spend_pace(totals(), now))
        finally:
            _watch_keys(now)
    finally:
        checked = check_quality()(now)
        _emit_quality(checked)
    return {"outcome": checked.outcome}


def _emit_pace(pace: SpendPace) -> None:
    metrics.add_metric("month_usd", MetricUnit.NoUnit, pace.month_usd)
    metrics.add_metric("projected_month_usd", MetricUnit.NoUnit, pace.projected_month_usd)


def _watch_keys(now: datetime) -> None:
    """Log who is above: a key's id and name, never a text."""
    names = {each.key.key_id: each.key.name for each in keys().all() if not each.key.revoked}
    found = watch_keys(totals(), list(names), now)
    for kind in SHARES:
        above = sum(alarm.kind == kind for alarm in found)
        metrics.add_metric(f"keys_above_{kind}", MetricUnit.Count, above)
    for alarm in found:
        logger.warning(
            f"Key {alarm.key_id}: share of {alarm.kind} above what is expected.",
            extra={"key_name": names[alarm.key_id], **asdict(alarm)},
        )


def _emit_quality(checked: QualityCheck) -> None:
    rolled_back = checked.outcome is QualityOutcome.ROLLED_BACK
    metrics.add_metric("quality_dropped", MetricUnit.Count, int(rolled_back))
    if checked.scores is not None and checked.scores.n:
        metrics.add_metric("prompt_quality", MetricUnit.NoUnit, checked.scores.mean)
    details = {"outcome": checked.outcome.value, "prompt_version": checked.prompt_version}
    for name, value in details.items():
        metrics.add_metadata(name, value)
    rollback = checked.rolled_back
    logger.info(
        f"Quality: {checked.outcome.value}.",
        extra={**details, "why": None if rollback is None else rollback.why},
    )
