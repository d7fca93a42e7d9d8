"""The metrics that functions emit, with their meanings: docs/metrics.md is generated from here.

A custom metric costs 0.30 USD a month, charged for each hour in which it gets data. Figures that no
alarm needs are read from DynamoDB instead (`infra/widget.py`).
"""

from typing import get_args

from infra.stage import Stage
from route_switch.domain.decision import Reason
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.request_record import RequestStatus
from route_switch.domain.tiers import Tier

REQUESTS = {
    f"requests_{status}": f"Requests that ended as `{status}`."
    for status in get_args(RequestStatus)
}
REASONS = {f"reason_{reason}": f"Requests with the reason `{reason}`." for reason in Reason}
TIERS = {f"tier_{tier}": f"Requests of Tier {tier}." for tier in Tier}
TIER_COSTS = {f"tier_{tier}_cost_usd": f"Cost of the calls to Tier {tier}." for tier in Tier}
MODEL = {
    "model_cost_usd": "Cost of the calls to the model.",
    "model_errors": "Calls to the model that failed; the average is the error rate.",
    "model_latency_ms": "Duration of the calls to the model.",
    "first_token_ms": "Time to the first token of the model's streamed answers.",
    "stream_errors": "Streamed answers that broke off; the average is the share.",
}
"""Dimensions `service` and `model`."""
CIRCUITS = {
    "circuits_opened": "Times that a process began to skip the model because it keeps failing.",
    "calls_skipped": "Calls that were not made because the model keeps failing.",
}
"""The same dimensions. They have no room on the dashboard, which is free up to 50 metrics."""
BY_SERVICE = {
    "router": {
        **REQUESTS,
        **REASONS,
        **TIERS,
        **TIER_COSTS,
        "cost_usd": "Cost of a request's model calls, the router's and failed ones included.",
        "router_cost_usd": "Cost of the router call.",
        "router_asked": (
            "Requests for which the strategy `hybrid` asked the router LLM; the average is the "
            "share."
        ),
        "baseline_cost_usd": "Estimated cost of the same request on Tier 3.",
        "saved_usd": "Baseline minus cost.",
        "session_moved": "Turns that changed the tier of a conversation; the average is the share.",
        "shadow_failed": "Decisions in shadow that were late or failed; the average is the rate.",
        "latency_ms": "Duration of a request.",
        "overhead_ms": "Duration of a request without its calls to tier models.",
        "prompt_version": "Version of the live prompt that routed the request.",
        "price_missing": "Requests with a model whose price is unknown.",
        "prompt_unreadable": (
            "Requests for which no valid live prompt or local model could be read."
        ),
        "records_lost": "Requests whose record DynamoDB did not accept; it is in the queue.",
        "unexpected_errors": "Requests answered with 500 because of a bug.",
        "streams_broken": "Requests whose streamed answer broke off after it had begun.",
        "models_skipped": "Requests that skipped a model because it keeps failing.",
        "streaming_unavailable": "Cold starts on a runtime whose client cannot stream.",
    },
    "management": {
        "feedback": "Ratings received.",
        "feedback_score": "Score of a rating, 0 to 1.",
        "unexpected_errors": "Requests answered with 500 because of a bug, here or in the owner "
        "function.",
    },
    "monitor": {
        "month_usd": "Cost of model calls, learning included, since the month began (UTC).",
        "projected_month_usd": "Expected cost of the whole month at the current pace.",
        "prompt_quality": "Mean rating of the live prompt's answers, 0 to 1.",
        "quality_dropped": "Whether the live prompt was rolled back because its ratings dropped.",
        "keys_above_upgrades": "Keys whose requests the router sends to Tier 3 more often than "
        "expected, or than their cap allows.",
        "keys_above_bypassed": "Keys whose bypassed requests get long answers more often than "
        "expected.",
    },
    "promote": {
        "promotions": "Prompts that a learning run made live.",
        "rollbacks": "Prompts that were rolled back because their ratings dropped.",
    },
    "drift": {
        "drift_runs_started": "Learning runs started because traffic changed.",
        "drift_requests": "Requests compared with the live prompt's prediction.",
        "drift_tiers_distance": "Total variation distance of the tiers, 0 to 1.",
        "drift_lengths_distance": "Total variation distance of the query lengths, 0 to 1.",
    },
    "learning": {
        "learning_usd": "Cost of a learning run.",
        "heldout_quality_live": "Quality of the live prompt on held-out rows, 0 to 1.",
        "heldout_quality_candidate": "Quality of the candidate on held-out rows, 0 to 1.",
    },
}
"""Dimension `service`."""
RUNS = {"learning_runs": "Learning runs that ended with the outcome."}
"""Dimensions `service` (learning) and `outcome`."""


def metrics_namespace(stage: Stage) -> str:
    """Return the stage's namespace: stages may share an account, and their figures must not mix."""
    return f"RouteSwitch/{stage.name}"


def custom_metrics(stage: Stage) -> int:
    """Return the largest possible number of custom metrics."""
    by_outcome = len(RUNS) * len(RunOutcome)
    scheduled = ("monitor", "promote", "drift", "learning")
    return metrics_of_requests(stage) + by_outcome + sum(len(BY_SERVICE[s]) for s in scheduled)


def metrics_of_requests(stage: Stage) -> int:
    """Return the number of metrics that get data only with traffic."""
    by_model = (len(MODEL) + len(CIRCUITS)) * len(stage.router.models.names)
    return by_model + len(BY_SERVICE["router"]) + len(BY_SERVICE["management"])
