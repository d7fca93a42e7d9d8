"""What is watched, and by whom: an alarm for each thing that a person has to look at."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from infra.alarms import Alarms, added
from infra.metrics import metric
from infra.stage import Stage

HOUR = Duration.hours(1)
QUARTER = Duration.minutes(15)
FEWEST_REQUESTS = 20
"""Of a quarter of an hour; a share of fewer says little."""
MOST_FALLBACKS = 0.05
MOST_API_ERRORS = 0.01


def watch_requests(
    alarms: Alarms, stage: Stage, *, router: lambda_.IFunction, api: apigateway.RestApi
) -> None:
    """What callers would notice, or what makes their requests dearer."""
    alarms.add(
        "fallback-rate",
        _share_of_requests(stage, "reason_fallback"),
        f"For half an hour the router LLM failed for over {MOST_FALLBACKS:.0%} of requests, which "
        "went to the safe tier.",
        above=MOST_FALLBACKS,
        periods=2,
    )
    alarms.add(
        "api-errors",
        api.metric_server_error(statistic="Average", period=QUARTER),
        f"For half an hour over {MOST_API_ERRORS:.0%} of requests ended with a 5xx error.",
        above=MOST_API_ERRORS,
        periods=2,
    )
    alarms.add(
        "throttled",
        router.metric_throttles(statistic="Sum", period=QUARTER),
        "Lambda refused to run the router: too many executions at once.",
    )
    for name, what in (
        ("prompt-unreadable", "Parameter Store did not give a live prompt that can be served."),
        ("price-missing", "A model was called whose price is not known: its costs are."),
    ):
        counted = metric(stage, "router", name.replace("-", "_"), period=QUARTER)
        alarms.add(name, counted, what)


def watch_money(alarms: Alarms, stage: Stage) -> None:
    """Only where there is a budget to hold the month against."""
    if stage.monthly_budget_usd is None:
        return
    alarms.add(
        "spend-pace",
        metric(stage, "monitor", "projected_month_usd", statistic="Maximum", period=HOUR),
        f"At this pace the month costs more than {stage.monthly_budget_usd:,.2f} USD.",
        above=stage.monthly_budget_usd,
    )


def watch_learning(
    alarms: Alarms,
    stage: Stage,
    *,
    machine: sfn.IStateMachine,
    background: Mapping[str, lambda_.IFunction],
) -> None:
    """The loop itself, and the functions that nobody calls."""
    alarms.add(
        "quality-drop",
        metric(stage, "monitor", "quality_dropped", period=HOUR),
        "People rated answers worse after the prompt was changed, and it was rolled back.",
    )
    alarms.add(
        "drift",
        metric(stage, "drift", "drift_runs_started", period=HOUR),
        "Traffic differs from what the prompt was learned on, and a learning run was started.",
    )
    alarms.add(
        "learning-failed",
        added(
            machine.metric_failed(statistic="Sum", period=HOUR),
            machine.metric_timed_out(statistic="Sum", period=HOUR),
            period=HOUR,
        ),
        "A learning run failed. The live prompt is as it was.",
    )
    alarms.add(
        "background-failing",
        added(
            *(each.metric_errors(statistic="Sum", period=HOUR) for each in background.values()),
            period=HOUR,
        ),
        f"A function that nobody calls failed: {' or '.join(background)}.",
    )


def watch_queues(alarms: Alarms, queues: Mapping[str, sqs.IQueue]) -> None:
    """Each holds what failed; `queues` are by their alarms' names."""
    for name, queue in queues.items():
        alarms.add(
            name,
            queue.metric_approximate_number_of_messages_visible(
                statistic="Maximum", period=QUARTER
            ),
            "A queue holds what could not be done.",
        )


def _share_of_requests(stage: Stage, name: str) -> cloudwatch.MathExpression:
    """0 where there are too few to tell."""
    requests = metric(stage, "router", "overhead_ms", statistic="SampleCount", period=QUARTER)
    return cloudwatch.MathExpression(
        expression=f"IF(requests >= {FEWEST_REQUESTS}, FILL(some, 0) / requests, 0)",
        using_metrics={
            "some": metric(stage, "router", name, period=QUARTER),
            "requests": requests,
        },
        period=QUARTER,
    )
