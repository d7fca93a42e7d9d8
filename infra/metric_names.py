"""The names of the metrics that functions emit.

A custom metric costs $0.30 a month, charged for each hour in which it gets data. Figures that no
alarm needs are read from DynamoDB instead (`infra/widget.py`).
"""

from infra.stage import Stage
from route_switch.domain.decision import Reason
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.tiers import Tier

REQUESTS = ("requests_answered", "requests_failed", "requests_dry_run")
REASONS = tuple(f"reason_{reason}" for reason in Reason)
TIERS = tuple(f"tier_{tier}" for tier in Tier)
TIER_COSTS = tuple(f"tier_{tier}_cost_usd" for tier in Tier)
MODEL = ("model_cost_usd", "model_errors", "model_latency_ms")
BY_SERVICE = {
    "router": (
        *REQUESTS,
        *REASONS,
        *TIERS,
        *TIER_COSTS,
        *("cost_usd", "router_cost_usd", "baseline_cost_usd", "saved_usd"),
        *("latency_ms", "overhead_ms", "prompt_version"),
        *("price_missing", "prompt_unreadable", "records_lost", "unexpected_errors"),
    ),
    "management": ("feedback", "feedback_score", "unexpected_errors"),
    "monitor": ("month_usd", "projected_month_usd", "prompt_quality", "quality_dropped"),
    "promote": ("promotions", "rollbacks"),
    "drift": (
        "drift_runs_started",
        "drift_requests",
        "drift_tiers_distance",
        "drift_lengths_distance",
    ),
    "learning": ("learning_usd", "heldout_quality_live", "heldout_quality_candidate"),
}
"""By the dimension `service`. `MODEL` also has the dimension `model`, and `learning_runs` has
`outcome`."""


def metrics_namespace(stage: Stage) -> str:
    """Return the stage's namespace: stages may share an account, and their figures must not mix."""
    return f"RouteSwitch/{stage.name}"


def custom_metrics(stage: Stage) -> int:
    """Return the largest possible number of custom metrics."""
    by_outcome = len(RunOutcome)  # `learning_runs`
    scheduled = ("monitor", "promote", "drift", "learning")
    return metrics_of_requests(stage) + by_outcome + sum(len(BY_SERVICE[s]) for s in scheduled)


def metrics_of_requests(stage: Stage) -> int:
    """Return the number of metrics that get data only with traffic."""
    by_model = len(MODEL) * len(stage.router.models.names)
    return by_model + len(BY_SERVICE["router"]) + len(BY_SERVICE["management"])
