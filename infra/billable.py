"""What a stage owns that costs money, counted without synthesizing it.

tests/infra/test_billable.py compares the counts with the template.
"""

from infra.alarm_specs import alarm_specs
from infra.metric_names import BY_SERVICE, metrics_of_requests
from infra.stage import KEYLESS_PROVIDERS, LogRetention, Stage
from route_switch.cost_estimate.deployment import Deployment, Owned

DASHBOARDS = 1

_LOG_DAYS: dict[LogRetention, int] = {
    "ONE_DAY": 1,
    "ONE_WEEK": 7,
    "ONE_MONTH": 30,
    "THREE_MONTHS": 90,
    "ONE_YEAR": 365,
}


def deployment_of(stage: Stage) -> Deployment:
    return Deployment(
        stage=stage.name,
        region=stage.region,
        architecture=stage.architecture,
        memory_mb=stage.memory_mb,
        tracing=stage.tracing,
        backups=stage.backups,
        log_days=_LOG_DAYS[stage.log_retention],
        config=stage.router,
        learning=stage.learning,
        owned=owned_by(stage),
    )


def owned_by(stage: Stage) -> Owned:
    has_provider_keys = (stage.providers | stage.learning_providers) - KEYLESS_PROVIDERS
    return Owned(
        alarm_metrics=sum(len(spec.metrics) for spec in alarm_specs(stage)),
        dashboards=DASHBOARDS,
        steady_metrics=len(BY_SERVICE["monitor"]),  # which writes them every hour
        traffic_metrics=metrics_of_requests(stage),
        secrets=int(stage.router.text_storage == "hash") + int(bool(has_provider_keys)),
        customer_keys=int(stage.encryption == "customer"),
        hourly=1,
        daily=1,
        weekly=1,
    )
