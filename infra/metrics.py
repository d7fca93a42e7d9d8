"""CloudWatch metrics as the dashboard and the alarms use them."""

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
    """Return a metric that a function emits.

    Raise `KeyError` if none emits it: a widget with a misspelled name would stay empty forever.
    """
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


def added(*metrics: cloudwatch.IMetric, period: Duration) -> cloudwatch.MathExpression:
    """Return the sum of the metrics; one without data counts as 0."""
    names = [f"m{number}" for number, _ in enumerate(metrics)]
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in names),
        using_metrics=dict(zip(names, metrics, strict=True)),
        period=period,
    )


def names_read_by(metric: cloudwatch.IMetric) -> list[str]:
    """Return the names of the metrics that `metric` consists of, sorted; a plain metric is one."""
    if isinstance(metric, cloudwatch.MathExpression):
        used = metric.using_metrics.values()
        return sorted(name for each in used for name in names_read_by(each))
    stat = metric.to_metric_config().metric_stat
    return [] if stat is None else [stat.metric_name]
