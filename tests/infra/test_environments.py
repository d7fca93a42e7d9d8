"""Every function accepts the environment that it gets, and gets only the secrets that it needs."""

import pytest

from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.router_config import RouterConfig
from route_switch.wiring.owner_api import OwnerSettings
from route_switch.wiring.settings import ManagementSettings, parse_environment, parse_settings
from tests.infra.conftest import LAMBDA_MOST_S, Synthesized, environment_of, listed


def test_the_management_function_accepts_its_environment(
    prod: Synthesized, local: Synthesized
) -> None:
    for stage, days in ((prod, 35), (local, 0)):
        variables = environment_of(stage, "Management")
        settings = parse_environment(
            ManagementSettings, variables, ROUTE_SWITCH_CONFIG=RouterConfig
        )
        assert settings.backup_days == days
        assert settings.learning_bucket == "DataLearning06BECC9F"


def test_the_owner_function_accepts_its_environment(prod: Synthesized, local: Synthesized) -> None:
    for stage in (prod, local):
        settings = parse_environment(
            OwnerSettings,
            environment_of(stage, "Owner"),
            ROUTE_SWITCH_CONFIG=RouterConfig,
            LEARNING_CONFIG=LearningConfig,
        )
        assert settings.state_machine.startswith("LearningWorkflow")


@pytest.mark.parametrize("name", ["prod", "local", "openai_hash"])
def test_the_router_accepts_its_environment(name: str, request: pytest.FixtureRequest) -> None:
    stage: Synthesized = request.getfixturevalue(name)
    settings = parse_settings(environment_of(stage, "Router"))
    assert settings.results_table == "DataResultsDF54D4F1"
    assert settings.live_parameter.endswith("/prompt/live")
    timeout = stage.function("Router")["Timeout"]
    assert settings.router.request_deadline_s < timeout <= LAMBDA_MOST_S


def test_secrets_exist_only_if_a_stage_needs_them(
    prod: Synthesized, local: Synthesized, openai_hash: Synthesized
) -> None:
    assert not prod.resources("AWS::SecretsManager::Secret")
    assert not local.resources("AWS::SecretsManager::Secret")
    settings = parse_settings(environment_of(openai_hash, "Router"))
    used = {settings.text_hash_secret, settings.provider_secret}
    assert openai_hash.resources("AWS::SecretsManager::Secret").keys() == used
    granted = [
        statement["Resource"]
        for name, statement in openai_hash.statements()
        if name.startswith("Router") and statement["Action"] == "secretsmanager:GetSecretValue"
    ]
    assert {resource["Ref"] for found in granted for resource in listed(found)} == used


def test_an_unknown_price_is_absent_and_gives_a_warning(openai_hash: Synthesized) -> None:
    prices = parse_settings(environment_of(openai_hash, "Router")).router.models.prices
    assert "openai/gpt-4.1" in prices
    assert "openai/nobody/knows" not in prices
    report = (openai_hash.folder / "validation-report.json").read_text(encoding="utf-8")
    assert "openai/nobody/knows has no known price" in report
