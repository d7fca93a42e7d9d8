"""The metrics that functions emit: what dashboard and alarms are made of."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.metric_names import BY_SERVICE, MODEL, metrics_namespace
from infra.stage import Stage


def metric(
    stage: Stage,
    service: str,
    name: str,
    *,
    statistic: str = "Sum",
    period: Duration | None = None,
    model: str | None = None,
    label: str | None = None,
) -> cloudwatch.Metric:
    """One that is emitted, else an error: a widget of a misspelled name would be empty for ever."""
    known = BY_SERVICE[service] if model is None else MODEL
    if name not in known:
        raise KeyError(f"{service} emits no {name}; it emits {', '.join(known)}")
    return cloudwatch.Metric(
        namespace=metrics_namespace(stage),
        metric_name=name,
        dimensions_map={"service": service, **({} if model is None else {"model": model})},
        statistic=statistic,
        period=period or Duration.minutes(5),
        label=label or name,
    )
