"""The counts behind `route-switch estimate` match the template."""

from pathlib import Path
from typing import Any

import pytest

from infra.app import read_context
from infra.billable import deployment_of, owned_by
from infra.stage import load_stage
from route_switch.cost_estimate.deployment import Owned
from tests.infra.conftest import Synthesized


def owned() -> Owned:
    return owned_by(load_stage(read_context({}), "prod", {}))


def metrics_of(alarm: dict[str, Any]) -> int:
    """Return the number of metrics that an alarm reads; expressions are not metrics."""
    queries = alarm["Properties"].get("Metrics")
    return 1 if queries is None else sum("MetricStat" in query for query in queries)


def test_the_counts_of_alarm_metrics_and_dashboards_are_those_that_aws_charges(
    prod: Synthesized,
) -> None:
    alarms = prod.resources("AWS::CloudWatch::Alarm")
    assert sum(map(metrics_of, alarms.values())) == owned().alarm_metrics
    assert len(prod.resources("AWS::CloudWatch::Dashboard")) == owned().dashboards


def test_every_schedule_is_counted(prod: Synthesized) -> None:
    schedules = prod.resources("AWS::Scheduler::Schedule")
    count = owned()
    assert len(schedules) == count.hourly + count.daily + count.weekly


@pytest.mark.parametrize(
    ("kind", "count"),
    [("AWS::SecretsManager::Secret", "secrets"), ("AWS::KMS::Key", "customer_keys")],
)
def test_secrets_and_keys_are_counted(prod: Synthesized, kind: str, count: str) -> None:
    assert len(prod.resources(kind)) == getattr(owned(), count)


def test_hashed_texts_and_provider_keys_need_one_secret_each(openai_hash: Synthesized) -> None:
    plain = load_stage(read_context({}), "local", {"ROUTE_SWITCH_PROFILE": "openai"})
    router = plain.router.model_copy(update={"text_storage": "hash"})
    stage = plain.model_copy(update={"router": router})
    secrets = openai_hash.resources("AWS::SecretsManager::Secret")
    assert len(secrets) == owned_by(stage).secrets == 2


def test_the_estimate_uses_the_functions_memory(prod: Synthesized) -> None:
    from route_switch.cost_estimate.idle_costs import OPTIMIZER_MB, SMALL_MB

    functions = prod.resources("AWS::Lambda::Function")
    sizes = {name: function["Properties"]["MemorySize"] for name, function in functions.items()}
    router = deployment_of(load_stage(read_context({}), "prod", {})).memory_mb
    assert {router, OPTIMIZER_MB, SMALL_MB} == {*sizes.values()}
    assert prod.function("LearningOptimizer")["MemorySize"] == OPTIMIZER_MB
    assert prod.function("Router")["MemorySize"] == router


def test_no_layer_contains_the_price_list(prod: Synthesized) -> None:
    folders: list[Path] = prod.layer_folders("Router")
    assert not [found for folder in folders for found in folder.rglob("aws_prices.json")]
