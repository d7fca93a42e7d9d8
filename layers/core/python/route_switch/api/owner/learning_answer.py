"""`GET /v1/learning`: the response."""

from route_switch.api.owner.run_shapes import left_out_body
from route_switch.domain.learning.drift import DriftDay
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.quality_events import QualityEvent
from route_switch.services.learning.show_learning import LearningStatus


def learning_body(status: LearningStatus) -> JsonObject:
    rows, start = status.rows, status.next_run_at
    return {
        "object": "learning",
        "month": status.month,
        "budget_usd": status.budget_usd,
        "spent_usd": status.spent_usd,
        "remaining_usd": max(status.budget_usd - status.spent_usd, 0.0),
        "next_run_at": None if start is None else start.isoformat(),
        "rows": {
            "replayable": rows.replayable,
            "days": rows.days,
            "needed_for_verdict": rows.verdict.rows,
            "verdict_unit": rows.verdict.unit,
            "needed_for_promise": rows.promise.rows,
            "note": f"Verdict: {rows.verdict.note} Promise: {rows.promise.note}",
        },
        "drift": [_drift(each) for each in status.drift],
        "quality_drop": [_event(each) for each in status.quality],
        "left_out": left_out_body(status.left_out),
        "notes": [*status.notes],
    }


def _drift(checked: DriftDay) -> JsonObject:
    drift = checked.drift
    return {
        "day": checked.day.isoformat(),
        "prompt_version": checked.prompt_version,
        "requests": drift.requests,
        "tiers_distance": drift.tiers.distance,
        "tiers_p_value": drift.tiers.p_value,
        "lengths_distance": drift.lengths.distance,
        "lengths_p_value": drift.lengths.p_value,
        "drifted": drift.is_found,
    }


def _event(event: QualityEvent) -> JsonObject:
    return {
        "at": None if event.at is None else event.at.isoformat(),
        "prompt_version": event.prompt_version,
        "state": event.state,
        "message": event.message,
    }
