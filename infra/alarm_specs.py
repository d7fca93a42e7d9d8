"""The alarms of a stage, as data: CDK builds them, and the cost estimate counts their metrics.

To add an alarm, declare it here, build it with `Alarms.add` in `infra/monitoring.py`, and describe
it in the runbook.
"""

from dataclasses import dataclass

from infra.stage import Stage

MAX_FALLBACK_SHARE = 0.05
MAX_API_ERROR_SHARE = 0.01
MAX_BROKEN_SHARE = 0.01
MAX_SKIPPING_SHARE = 0.05
MAX_SHADOW_FAILED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One alarm: it fires when its metric is above `above` in `datapoints` of the last `periods`.

    `description` says what happened, `meaning` what that means for requests and money, and `to_do`
    what to do: each is a sentence of the e-mail that CloudWatch sends. `datapoints` None means all
    of them; a missing data point never counts. `name` is also the name of the runbook's section.
    `metrics` are the names of the CloudWatch metrics that the alarm reads, one for each that AWS
    charges.
    """

    name: str
    description: str
    meaning: str
    to_do: str
    metrics: tuple[str, ...]
    above: float = 0
    periods: int = 1
    datapoints: int | None = None


def _functions_fail(meaning: str, *functions: str) -> AlarmSpec:
    """Metrics extracted from logs arrive late, so one failed minute of the last five is enough. One
    alarm, named for the first function, watches all of them."""
    return AlarmSpec(
        f"{functions[0]}-failing",
        f"The {' or '.join(functions)} function fails. A deployment in progress is rolled back.",
        meaning,
        "Read the function's log; if it started with a release, deploy the previous one.",
        metrics=(*("Errors" for _ in functions), "unexpected_errors"),
        periods=5,
        datapoints=1,
    )


_ALARMS = (
    _functions_fail("Some requests are answered with an error.", "router"),
    _functions_fail(
        "Requests are still routed, but some calls of the API's other routes fail.",
        "management",
        "owner",
    ),
    AlarmSpec(
        "fallback-rate",
        f"For 30 minutes the router LLM failed for more than {MAX_FALLBACK_SHARE:.0%} of requests, "
        "which went to the safe tier.",
        "These requests are answered, but they may cost more than they need to.",
        "See on the dashboard which model fails; if it does not recover, pin a tier with "
        "'route-switch switch pin-tier'.",
        metrics=("reason_fallback", "overhead_ms"),
        above=MAX_FALLBACK_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "shadow-failing",
        f"For 30 minutes more than {MAX_SHADOW_FAILED_SHARE:.0%} of decisions in shadow were late "
        "or failed. Answers are not affected.",
        "What routing would save is known from fewer requests.",
        "Look up 'shadow_reason' in the records, and choose a faster router model if it is 'late'.",
        metrics=("shadow_failed", "shadow_failed"),
        above=MAX_SHADOW_FAILED_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "api-errors",
        f"For 30 minutes more than {MAX_API_ERROR_SHARE:.0%} of requests ended with a 5xx error.",
        "Callers got no answer to these requests.",
        "See on the dashboard which models fail, and check their quotas and their provider's "
        "status page.",
        metrics=("5XXError",),
        above=MAX_API_ERROR_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "broken-streams",
        f"For 30 minutes more than {MAX_BROKEN_SHARE:.0%} of requests lost their streamed answer "
        "after it had begun.",
        "Callers got a part of the answer and then an error.",
        "See on the dashboard which model breaks off; if it only pauses, raise 'stall_s'.",
        metrics=("streams_broken", "overhead_ms"),
        above=MAX_BROKEN_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "model-skipped",
        f"For 30 minutes more than {MAX_SKIPPING_SHARE:.0%} of requests skipped a model because it "
        "keeps failing.",
        "A fallback or another tier answered them, which may cost more.",
        "Find the model in 'route-switch results'; raise its quota or give its tier a fallback.",
        metrics=("models_skipped", "overhead_ms"),
        above=MAX_SKIPPING_SHARE,
        periods=2,
    ),
    AlarmSpec(
        "streaming-unavailable",
        "The Lambda runtime has changed: answers arrive as a whole instead of being streamed.",
        "Answers are complete, but callers wait for each one, and one over 6 MB is an error.",
        "Deploy a release that knows the new runtime; until then, pin the runtime's version.",
        metrics=("streaming_unavailable",),
    ),
    AlarmSpec(
        "throttled",
        "Lambda throttled the router: too many concurrent executions.",
        "Callers of these requests got an error.",
        "Raise Lambda's quota for concurrent executions, or the stage's 'reserved_concurrency'.",
        metrics=("Throttles",),
    ),
    AlarmSpec(
        "prompt-unreadable",
        "No valid live prompt could be read from Parameter Store.",
        "Requests are routed by the last good version, or by the seed.",
        "See what is wrong with 'route-switch prompt show', and correct it or roll it back.",
        metrics=("prompt_unreadable",),
    ),
    AlarmSpec(
        "price-missing",
        "A model without a known price was called, so its costs are unknown.",
        "Sums of costs and savings are too low, and keys with a budget cannot use the model.",
        "Set its price under 'models.prices' in cdk.json and deploy.",
        metrics=("price_missing",),
    ),
    AlarmSpec(
        "quality-drop",
        "Users rated answers lower after a prompt change, so the prompt was rolled back.",
        "The previous prompt routes again, as a new version.",
        "There is nothing to do unless you disagree; then publish the rejected version again.",
        metrics=("quality_dropped",),
    ),
    AlarmSpec(
        "key-shares",
        "A key's requests go to Tier 3, or bypass the router and get long answers, more often than "
        "expected of that key.",
        "The key costs more than it did in the last months.",
        "Find it in the monitor's log and ask its owner what changed; "
        "'route-switch keys set KEY --max-upgrade-share' caps its share.",
        metrics=("keys_above_upgrades", "keys_above_bypassed"),
    ),
    AlarmSpec(
        "drift",
        "Traffic differs from the traffic that the live prompt was learned from, so a learning run "
        "was started.",
        "The live prompt may fit this traffic less well than it fitted the former one.",
        "There is nothing to do: the run's notification says whether it found a better prompt.",
        metrics=("drift_runs_started",),
    ),
    AlarmSpec(
        "learning-failed",
        "A learning run failed. The live prompt is unchanged.",
        "Requests are routed as before, and what the run paid for is not paid again.",
        "Read the run's notification, correct its cause, and start it again with "
        "'route-switch learn'.",
        metrics=("ExecutionsFailed", "ExecutionsTimedOut"),
    ),
    AlarmSpec(
        "background-failing",
        "A scheduled function failed: monitor or drift.",
        "Requests are routed, but quality, spending and keys, or drift, are not watched.",
        "Read the function's log; it runs again at its next time.",
        metrics=("Errors", "Errors"),
    ),
    AlarmSpec(
        "records-waiting",
        "Records of requests could not be written and wait in a queue for the hourly monitor.",
        "Sums of costs lack these requests until they are saved.",
        "Wait for the monitor, or save them now with 'route-switch records replay'.",
        metrics=("ApproximateNumberOfMessagesVisible",),
    ),
    AlarmSpec(
        "missed-starts",
        "A scheduled start or a notification failed for good and is kept in a queue.",
        "A learning run, a check or a message of this time is missing.",
        "Read the message in the queue of the output MissedQueue, start what it names, and purge "
        "the queue.",
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
        "Nothing is stopped: only budgets of keys are enforced.",
        "See on the dashboard which key spends, and give it a budget, pin a lower tier, or raise "
        "'monthly_budget_usd'.",
        metrics=("projected_month_usd",),
        above=budget_usd,
    )
    return (*_ALARMS, spend_pace)
