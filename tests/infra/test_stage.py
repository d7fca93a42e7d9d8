"""The configuration of stages: typed, and with errors that name the field."""

import json
import os
import platform
import subprocess
import sys
import tarfile
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from infra.app import default_stage, read_context
from infra.prices import FREE
from infra.stage import load_stage
from route_switch.domain.errors import ConfigurationError

MODELS = {"tiers": {tier: {"model": "offline/x"} for tier in "123"}, "router": "local/encoder"}


def context(**settings: Any) -> dict[str, Any]:
    return {
        "stages": {"dev": {"region": "eu-west-1", **settings}},
        "profiles": {"offline": {"models": MODELS}},
    }


@pytest.mark.parametrize(
    ("settings", "field", "reason"),
    [
        ({"region": "Mars"}, "region", "pattern"),
        ({"memory_mb": 64}, "memory_mb", "greater than or equal to 128"),
        ({"memory": 1024}, "memory", "not a known field"),
        ({"python": "2.7"}, "python", "pattern"),
        ({"architecture": "riscv"}, "architecture", "'arm64' or 'x86_64'"),
        ({"log_retention": "FOREVER"}, "log_retention", "'ONE_DAY'"),
        ({"retain": "perhaps"}, "retain", "boolean"),
        ({"encryption": "rot13"}, "encryption", "'aws' or 'customer'"),
        ({"rollout": "slowly"}, "rollout", "'at_once' or 'canary'"),
        ({"reserved_concurrency": 0}, "reserved_concurrency", "greater than or equal to 1"),
        ({"monthly_budget_usd": 0}, "monthly_budget_usd", "greater than 0"),
        ({"notify_email": "nobody"}, "notify_email", "pattern"),
        ({"learning": {"schedule": "cron(every Sunday)"}}, "learning.schedule", "not a schedule"),
        ({"learning": {"schedule": "cron(99 3 ? * SUN *)"}}, "learning.schedule", "not a schedule"),
        ({"learning": {"schedule": "cron(0 3 * * * *)"}}, "learning.schedule", "not a schedule"),
        ({"learning": {"schedule": "rate(1 minutes)"}}, "learning.schedule", "not a schedule"),
        (
            {"router": {"models": {**MODELS, "prices_date": "last week"}}},
            "router.models.prices_date",
            "date",
        ),
        ({"router": {"bypass_tokens": -1}}, "router.bypass_tokens", "greater than or equal to 0"),
        ({"router": {"bypass": 8}}, "router.bypass", "not a known field"),
        ({"router": {"models": {"tiers": {}, "router": "a/b"}}}, "router.models", "tier 1 has no"),
        ({"router": {"models": {**MODELS, "router": "gpt"}}}, "router.models.router", "pattern"),
        (
            {"router": {"models": {**MODELS, "router": "nowhere/x"}}},
            "router.models",
            "unknown provider 'nowhere'",
        ),
        ({"router": {"request_deadline_s": 5}}, "router", "router_timeout_s must be below"),
        ({"router": {"strategy": "magic"}}, "Stage", "no routing strategy 'magic'"),
        ({"router": 1}, "router", "object"),
        ({"profile": "azure"}, "profiles", "no object named 'azure'; there are: offline"),
    ],
)
def test_an_invalid_stage_is_rejected_with_the_field_and_the_reason(
    settings: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_stage(context(**settings), "dev", {})
    assert f"{field}: " in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("router", "settings", "memory_mb"),
    [
        ("offline/x", {}, 512),
        ("deepseek/deepseek-chat", {}, 2048),
        ("deepseek/deepseek-chat", {"memory_mb": 1024}, 1024),
    ],
)
def test_the_router_gets_more_memory_with_litellms_layer(
    router: str, settings: dict[str, Any], memory_mb: int
) -> None:
    models = {"models": {**MODELS, "router": router}}
    stage = load_stage(context(router=models, **settings), "dev", {})
    assert stage.router_memory_mb == memory_mb


def test_an_invalid_stage_stops_the_build_with_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.app", "--stage", "production", "--output", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CDK_CONTEXT_JSON": "{}"},
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "ConfigurationError: cdk.json, stages: no object named 'production'; "
        "there are: local, dev, staging, prod"
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["local", "dev", "staging", "prod"])
def test_every_stage_in_cdk_json_is_valid(name: str) -> None:
    assert load_stage(read_context({}), name, {}).name == name


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_stages_in_aws_do_not_depend_on_this_machine(name: str) -> None:
    odd = {"ROUTE_SWITCH_PROFILE": "openai", "TIER_1_MODEL": "x", "OPENAI_BASE_URL": "http://x"}
    stage = load_stage(read_context({}), name, odd)
    assert stage == load_stage(read_context({}), name, {})
    assert stage.providers == {"bedrock"}
    assert (stage.architecture, stage.python) == ("arm64", "3.14")


def test_the_local_stage_matches_this_machine() -> None:
    stage = load_stage(read_context({}), "local", {})
    assert stage.python == ".".join(platform.python_version_tuple()[:2])
    assert stage.providers == {"offline", "local"}


def test_the_environment_chooses_openai_models_and_their_server() -> None:
    chosen = {
        "ROUTE_SWITCH_PROFILE": "openai",
        "ROUTER_MODEL": "router",
        "TIER_1_MODEL": "meta-llama/small",
        "TIER_3_MODEL": "openai/large",
        "OPENAI_BASE_URL": "http://127.0.0.1:8000/v1",
    }
    router = load_stage(read_context({}), "local", chosen).router
    default = load_stage(read_context({}), "local", {"ROUTE_SWITCH_PROFILE": "openai"}).router
    assert router.models.names == (
        "openai/meta-llama/small",
        default.models.names[1],
        "openai/large",
        "openai/router",
    )
    assert router.openai_base_url == "http://127.0.0.1:8000/v1"


def test_a_local_model_is_free_and_ignores_openai_settings_in_the_environment() -> None:
    profile = {"ROUTE_SWITCH_PROFILE": "local-llm"}
    of_openai = {"TIER_1_MODEL": "gpt-4.1", "OPENAI_BASE_URL": "https://api.openai.com/v1"}
    stage = load_stage(read_context({}), "local", profile | of_openai)
    assert stage == load_stage(read_context({}), "local", profile)
    [name] = stage.router.models.names
    assert stage.router.models.price(name) == FREE
    assert stage.router.openai_base_url.startswith("http://127.0.0.1:")


def test_an_invalid_model_name_in_the_environment_is_reported_with_its_field() -> None:
    bad = {"ROUTE_SWITCH_PROFILE": "openai", "TIER_2_MODEL": "two words"}
    with pytest.raises(ConfigurationError, match=r"router\.models\.tiers\.2\.model: "):
        load_stage(read_context({}), "local", bad)


def test_the_cdk_cli_requires_a_stage() -> None:
    assert default_stage({}) == "local"
    with pytest.raises(ConfigurationError, match="-c stage=dev, staging or prod"):
        default_stage({"CDK_OUTDIR": "cdk.out"})


def test_the_cdk_clis_context_overrides_the_files() -> None:
    assert read_context({"CDK_CONTEXT_JSON": '{"stage": "prod"}'})["stage"] == "prod"


def test_every_recommended_flag_of_the_cdk_is_set_but_for_the_documented_one() -> None:
    """A new release of the CDK may recommend more: decide on them, then set them in cdk.json."""
    library = files("aws_cdk").joinpath("_jsii", f"aws-cdk-lib@{version('aws-cdk-lib')}.jsii.tgz")
    with library.open("rb") as archive, tarfile.open(fileobj=archive) as package:
        listed = package.extractfile("package/recommended-feature-flags.json")
        assert listed is not None
        recommended = json.load(listed)
    context = read_context({})
    assert recommended.keys() - context.keys() == {"@aws-cdk/core:enablePartitionLiterals"}


def test_only_the_local_stage_takes_the_time_of_offline_answers_from_the_environment() -> None:
    environment = {"OFFLINE_ANSWER_S": "0.5"}
    stages = context()["stages"] | {"local": {"region": "eu-west-1"}}
    both = context() | {"stages": stages}
    assert load_stage(both, "local", environment).router.offline_answer_s == 0.5
    assert load_stage(both, "dev", environment).router.offline_answer_s == 0.0


def test_a_new_prod_starts_in_shadow_and_every_other_stage_routes() -> None:
    found = {
        name: load_stage(read_context({}), name, {}).router.start
        for name in ("local", "dev", "staging", "prod")
    }
    assert found == {"local": "on", "dev": "on", "staging": "on", "prod": "shadow"}
