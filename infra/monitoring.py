"""The metric of each alarm. `infra.alarm_specs` declares the alarms themselves."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from infra.alarms import Alarms
from infra.metrics import added, metric
from infra.stage import Stage

HOUR = Duration.hours(1)
QUARTER = Duration.minutes(15)
FEWEST_REQUESTS = 20
"""The fewest requests in 15 minutes; a share of fewer says little."""


def watch_requests(
    alarms: Alarms, stage: Stage, *, router: lambda_.IFunction, api: apigateway.RestApi
) -> None:
    """Watch what callers would notice, and what makes their requests more expensive."""
    alarms.add("fallback-rate", _share_of_requests(stage, "reason_fallback"))
    alarms.add("shadow-failing", _share_of_decisions(stage, "shadow_failed"))
    alarms.add("api-errors", api.metric_server_error(statistic="Average", period=QUARTER))
    alarms.add("broken-streams", _share_of_requests(stage, "streams_broken"))
    alarms.add("model-skipped", _share_of_requests(stage, "models_skipped"))
    alarms.add("throttled", router.metric_throttles(statistic="Sum", period=QUARTER))
    for name in ("streaming-unavailable", "prompt-unreadable", "price-missing"):
        alarms.add(name, metric(stage, "router", name.replace("-", "_"), period=QUARTER))


def watch_spending(alarms: Alarms, stage: Stage) -> None:
    """Watch the month's projected cost, if the stage has a budget."""
    if stage.monthly_budget_usd is not None:
        projected = metric(
            stage, "monitor", "projected_month_usd", statistic="Maximum", period=HOUR
        )
        alarms.add("spend-pace", projected)


def watch_learning(
    alarms: Alarms,
    stage: Stage,
    *,
    machine: sfn.IStateMachine,
    monitor: lambda_.IFunction,
    drift: lambda_.IFunction,
) -> None:
    """Watch the weekly runs and the scheduled functions."""
    alarms.add("quality-drop", metric(stage, "monitor", "quality_dropped", period=HOUR))
    alarms.add(
        "key-shares",
        added(
            *(
                metric(stage, "monitor", f"keys_above_{kind}", period=HOUR)
                for kind in ("upgrades", "bypassed")
            ),
            period=HOUR,
        ),
    )
    alarms.add("drift", metric(stage, "drift", "drift_runs_started", period=HOUR))
    alarms.add(
        "learning-failed",
        added(
            machine.metric_failed(statistic="Sum", period=HOUR),
            machine.metric_timed_out(statistic="Sum", period=HOUR),
            period=HOUR,
        ),
    )
    alarms.add(
        "background-failing",
        added(
            *(each.metric_errors(statistic="Sum", period=HOUR) for each in (monitor, drift)),
            period=HOUR,
        ),
    )


def watch_queues(alarms: Alarms, queues: Mapping[str, sqs.IQueue]) -> None:
    """Watch the queues that hold failures; `queues` maps each alarm's name to its queue."""
    for name, queue in queues.items():
        waiting = queue.metric_approximate_number_of_messages_visible(
            statistic="Maximum", period=QUARTER
        )
        alarms.add(name, waiting)


def _share_of_requests(stage: Stage, name: str) -> cloudwatch.MathExpression:
    """Return the share of requests that `name` counts, or 0 if there are too few requests."""
    requests = metric(stage, "router", "overhead_ms", statistic="SampleCount", period=QUARTER)
    return cloudwatch.MathExpression(
        expression=f"IF(requests >= {FEWEST_REQUESTS}, FILL(some, 0) / requests, 0)",
        using_metrics={
            "some": metric(stage, "router", name, period=QUARTER),
            "requests": requests,
        },
        period=QUARTER,
    )


def _share_of_decisions(stage: Stage, name: str) -> cloudwatch.MathExpression:
    """Return the average of `name`, 0 or 1 for each decision, or 0 if there are too few."""
    decisions = metric(stage, "router", name, statistic="SampleCount", period=QUARTER)
    return cloudwatch.MathExpression(
        expression=f"IF(decisions >= {FEWEST_REQUESTS}, some / decisions, 0)",
        using_metrics={
            "some": metric(stage, "router", name, period=QUARTER),
            "decisions": decisions,
        },
        period=QUARTER,
    )
