"""The hourly check of quality, spending and keys, started by EventBridge Scheduler.

It may order a rollback from the promoter, limits the upgrades of keys above their cap, saves lost
records and settles leftover reservations.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import TypedDict

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.domain.operations.stored_keys import StoredKey
from route_switch.services.operations.limit_upgrades import limit_upgrades
from route_switch.services.operations.replay_records import Replayed
from route_switch.services.operations.spend_pace import spend_pace
from route_switch.services.operations.watch_keys import SHARES, watch_keys
from route_switch.services.prompts.check_quality import QualityCheck, QualityOutcome
from route_switch.wiring.scheduled import (
    audit_entry,
    check_quality,
    keys,
    lost_records,
    replay_records,
    settle_budgets,
    totals,
    upgrade_cap,
)

SETTLING_MS = 60_000
"""Time that saving queued records leaves to the budgets."""
LAST_BUDGET_MS = 50_000
"""Time for the last page of the log, its repeat included, and what is saved from it."""

logger = Logger(service="monitor")
metrics = Metrics(service="monitor")


AllKeys = Callable[[], Sequence[StoredKey]]
"""Scans the table once for an invocation."""


class ScheduledEvent(TypedDict):
    """`scheduled_time` is in UTC, and the same if the event is delivered again."""

    scheduled_time: str


def lambda_handler(event: ScheduledEvent, context: LambdaContext) -> dict[str, str]:
    """Run all checks, even if one fails. The metrics are written before the accounts are settled,
    which may take long."""
    now = datetime.fromisoformat(event["scheduled_time"])
    all_keys = cache(keys().all)
    with ExitStack() as others:  # they run in reverse
        others.callback(_settle_accounts, all_keys, now, context)
        others.callback(metrics.flush_metrics)
        others.callback(_watch_keys, all_keys, now)
        others.callback(_emit_pace, now)
        checked = check_quality()(now)
        _emit_quality(checked)
    return {"outcome": checked.outcome}


def _emit_pace(now: datetime) -> None:
    pace = spend_pace(totals(), now)
    metrics.add_metric("month_usd", MetricUnit.NoUnit, pace.month_usd)
    metrics.add_metric("projected_month_usd", MetricUnit.NoUnit, pace.projected_month_usd)


def _watch_keys(all_keys: AllKeys, now: datetime) -> None:
    """Log the keys that are above: their ids and names, never a text."""
    active = [each for each in all_keys() if not each.key.revoked]
    names = {each.key.key_id: each.key.name for each in active}
    found = watch_keys(totals(), list(names), now)
    above = {kind: {a.key_id for a in found if a.kind == kind} for kind in SHARES}
    above["upgrades"] |= _limit_upgrades(active, now)
    for kind, key_ids in above.items():
        metrics.add_metric(f"keys_above_{kind}", MetricUnit.Count, len(key_ids))
    for alarm in found:
        logger.warning(
            f"Key {alarm.key_id}: share of {alarm.kind} above what is expected.",
            extra={"key_name": names[alarm.key_id], **asdict(alarm)},
        )


def _settle_accounts(all_keys: AllKeys, now: datetime, context: LambdaContext) -> None:
    """Save queued records, and then settle what killed functions left reserved. A budget is settled
    by the sums, so not while records are missing from them."""

    def until(left_ms: int) -> Callable[[], bool]:
        return lambda: context.get_remaining_time_in_millis() > left_ms

    done = Replayed()
    is_empty = replay_records().queue(lost_records(), done, until(SETTLING_MS + LAST_BUDGET_MS))
    if done != Replayed():
        logger.warning("Queued records were saved.", extra=asdict(done))
    if not is_empty:
        return
    with_budget = [each.key.key_id for each in all_keys() if each.key.monthly_budget_usd]
    for settled in settle_budgets()(with_budget, now, until(LAST_BUDGET_MS)):
        logger.warning("A leftover reservation was settled.", extra=asdict(settled))


def _limit_upgrades(active: Sequence[StoredKey], now: datetime) -> set[str]:
    """Write the limits of keys above their cap; return the ids of these keys."""
    stored = {each.key.key_id: each for each in active}
    limits = limit_upgrades(totals(), [each.key for each in active], upgrade_cap(), now)
    for limit in limits:
        change = limit.change
        also = () if change is None else (audit_entry(change, now),)
        keys().limit_upgrades(stored[limit.key.key_id], limit.until, now, also)
        if change is not None:
            logger.warning(
                f"Key {limit.key.key_id}: upgrades "
                + ("are limited to Tier 2." if limit.until else "are no longer limited."),
                extra={"key_name": limit.key.name, "cap": limit.cap, **asdict(limit.share)},
            )
    return {limit.key.key_id for limit in limits if limit.until}


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
