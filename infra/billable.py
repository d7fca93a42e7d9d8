"""What a stage owns that costs money, counted without synthesizing it.

`python -m infra.billable --stage NAME` prints it as one JSON document, for `route-switch estimate`.
tests/infra/test_billable.py compares the counts with the template.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from infra.alarm_specs import alarm_specs
from infra.app import read_context
from infra.metric_names import BY_SERVICE, metrics_of_requests
from infra.prices import with_capabilities, with_prices
from infra.stage import LogRetention, Stage, load_stage
from route_switch.cost_estimate.deployment import Deployment, Owned
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.providers import KEYLESS

DASHBOARDS = 1

_LOG_DAYS: dict[LogRetention, int] = {
    "ONE_DAY": 1,
    "ONE_WEEK": 7,
    "ONE_MONTH": 30,
    "THREE_MONTHS": 90,
    "ONE_YEAR": 365,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what a stage of cdk.json owns, as JSON. Print an error on one line and exit 1."""
    parser = argparse.ArgumentParser(prog="python -m infra.billable", description=main.__doc__)
    parser.add_argument("--stage", required=True, help="a stage of cdk.json in this folder")
    name = parser.parse_args(arguments).stage
    try:
        stage = load_stage(read_context(os.environ), name, os.environ)
        sys.stdout.write(deployment_of(stage).model_dump_json(by_alias=True) + "\n")
    except RouteSwitchError as error:
        sys.exit(str(error))


def deployment_of(stage: Stage) -> Deployment:
    """Return the stage with every price and capability of its models that is known."""
    models = with_capabilities(with_prices(stage.router.models)[0])
    return Deployment(
        stage=stage.name,
        region=stage.region,
        architecture=stage.architecture,
        memory_mb=stage.router_memory_mb,
        tracing=stage.tracing,
        backups=stage.backups,
        log_days=_LOG_DAYS[stage.log_retention],
        config=stage.router.model_copy(update={"models": models}),
        learning=stage.learning,
        owned=owned_by(stage),
    )


def owned_by(stage: Stage) -> Owned:
    """Count what the stage pays for even without requests."""
    has_provider_keys = (stage.providers | stage.learning_providers) - KEYLESS
    return Owned(
        alarm_metrics=sum(len(spec.metrics) for spec in alarm_specs(stage)),
        dashboards=DASHBOARDS,
        steady_metrics=len(BY_SERVICE["monitor"]),  # written every hour
        traffic_metrics=metrics_of_requests(stage),
        secrets=int(stage.router.text_storage == "hash") + int(bool(has_provider_keys)),
        customer_keys=int(stage.encryption == "customer"),
        hourly=1,
        daily=1,
        weekly=1,
    )


if __name__ == "__main__":
    main()
