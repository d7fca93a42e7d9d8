"""The alarms of a stage, as data: CDK builds them, and the cost estimate counts their metrics.

To add an alarm, declare it here, build it with `Alarms.add` in `infra/monitoring.py`, and describe
it in the runbook.
"""

from dataclasses import dataclass

from infra.stage import Stage

MAX_FALLBACK_SHARE = 0.05
MAX_API_ERROR_SHARE = 0.01
MAX_BROKEN_SHARE = 0.01
MAX_SHADOW_FAILED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One alarm: it fires when its metric is above `above` in `datapoints` of the last `periods`.

    `datapoints` None means all of them; a missing data point never counts. `name` is also the name
    of the runbook's section. `metrics` are the names of the CloudWatch metrics that the alarm
    reads, one for each that AWS charges.
    """

    name: str
    description: str
    metrics: tuple[str, ...]
    above: float = 0
    periods: int = 1
    datapoints: int | None = None


def _function_fails(function: str) -> AlarmSpec:
    """Metrics extracted from logs arrive late, so one failed minute of the last five is enough."""
    return AlarmSpec(
        f"{function}-failing",
        f"The {function} function fails. A deployment in progress is rolled back.",
        metrics=("Errors", "unexpected_errors"),
        periods=5,
        datapoints=1,
    )


_ALARMS = (
    _function_fails("router"),
    _function_fails("management"),
    AlarmSpec(
        "fallback-rate",
        f"For 30 minutes the router LLM failed for more than {MAX_FALLBACK_SHARE:.0%} of requests, "
        "which went to the safe tier.",
        metrics=("reason_fallback", "overhead_ms"),
        above=MAX_FALLBACK_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "shadow-failing",
        f"For 30 minutes more than {MAX_SHADOW_FAILED_SHARE:.0%} of decisions in shadow were late "
        "or failed. Answers are not affected.",
        metrics=("shadow_failed", "shadow_failed"),
        above=MAX_SHADOW_FAILED_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "api-errors",
        f"For 30 minutes more than {MAX_API_ERROR_SHARE:.0%} of requests ended with a 5xx error.",
        metrics=("5XXError",),
        above=MAX_API_ERROR_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "broken-streams",
        f"For 30 minutes more than {MAX_BROKEN_SHARE:.0%} of requests lost their streamed answer "
        "after it had begun.",
        metrics=("streams_broken", "overhead_ms"),
        above=MAX_BROKEN_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "streaming-unavailable",
        "The Lambda runtime has changed: answers arrive as a whole instead of being streamed.",
        metrics=("streaming_unavailable",),
    ),
    AlarmSpec(
        "throttled",
        "Lambda throttled the router: too many concurrent executions.",
        metrics=("Throttles",),
    ),
    AlarmSpec(
        "prompt-unreadable",
        "No valid live prompt could be read from Parameter Store.",
        metrics=("prompt_unreadable",),
    ),
    AlarmSpec(
        "price-missing",
        "A model without a known price was called, so its costs are unknown.",
        metrics=("price_missing",),
    ),
    AlarmSpec(
        "quality-drop",
        "Users rated answers lower after a prompt change, so the prompt was rolled back.",
        metrics=("quality_dropped",),
    ),
    AlarmSpec(
        "key-shares",
        "A key's requests go to Tier 3, or bypass the router and get long answers, more often than "
        "expected of that key.",
        metrics=("keys_above_upgrades", "keys_above_bypassed"),
    ),
    AlarmSpec(
        "drift",
        "Traffic differs from the traffic that the live prompt was learned from, so a learning run "
        "was started.",
        metrics=("drift_runs_started",),
    ),
    AlarmSpec(
        "learning-failed",
        "A learning run failed. The live prompt is unchanged.",
        metrics=("ExecutionsFailed", "ExecutionsTimedOut"),
    ),
    AlarmSpec(
        "background-failing",
        "A scheduled function failed: monitor or drift.",
        metrics=("Errors", "Errors"),
    ),
    AlarmSpec(
        "records-waiting",
        "Records of requests could not be written and wait in a queue.",
        metrics=("ApproximateNumberOfMessagesVisible",),
    ),
    AlarmSpec(
        "missed-starts",
        "A scheduled start or a notification failed for good and is kept in a queue.",
        metrics=("ApproximateNumberOfMessagesVisible",),
    ),
)


def alarm_specs(stage: Stage) -> tuple[AlarmSpec, ...]:
    """Return every alarm of the stage; only a stage with a budget has `spend-pace`."""
    budget_usd = stage.monthly_budget_usd
    if budget_usd is None:
        return _ALARMS
    spend_pace = AlarmSpec(
        "spend-pace",
        f"At this pace the month will cost more than {budget_usd:,.2f} USD.",
        metrics=("projected_month_usd",),
        above=budget_usd,
    )
    return (*_ALARMS, spend_pace)
