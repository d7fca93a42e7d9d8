"""Lambda's limits, checked before deployment, and what changes a layer's hash."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from infra import bundle
from infra.app import read_context
from infra.function import MAX_ENVIRONMENT_BYTES, check_environment, check_size
from infra.layers import MAX_UNZIPPED_BYTES, code_layer, dependency_layer
from infra.prompt_parameters import SEED, read_seed
from infra.stage import Stage, load_stage
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import ConfigurationError, PromptError
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import MAX_BYTES
from tests.support.local_models import with_local_model


@pytest.fixture(scope="module")
def stage() -> Stage:
    return load_stage(read_context({}), "local", {})


def asset_hash(stage: Stage, folder: Path) -> str:
    app = App(builtin_cloud_formation_validation=False)
    code_layer(Stack(app, "Stack"), "Layer", stage=stage, folder=folder)
    template: dict[str, Any] = app.synth().get_stack_by_name("Stack").template
    (layer,) = (r for r in template["Resources"].values() if "LayerVersion" in r["Type"])
    return str(layer["Properties"]["Content"]["S3Key"])


def test_an_environment_over_the_limit_names_the_largest_variable() -> None:
    config = "x" * MAX_ENVIRONMENT_BYTES
    with pytest.raises(ConfigurationError, match="ROUTE_SWITCH_CONFIG takes") as caught:
        check_environment(Path("functions/router"), {"A": "b", "ROUTE_SWITCH_CONFIG": config})
    assert "functions/router" in str(caught.value)


def test_an_environment_at_the_limit_is_accepted() -> None:
    check_environment(Path("functions/router"), {"A": "x" * (MAX_ENVIRONMENT_BYTES - 1)})


def test_layers_over_lambdas_limit_are_rejected(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = code_layer(Stack(App()), "Layer", stage=stage, folder=Path("layers/core"))
    monkeypatch.setattr(layer, "unzipped_bytes", MAX_UNZIPPED_BYTES + 1)
    with pytest.raises(ConfigurationError, match="limit is 250 MB"):
        check_size(Path("functions/setup"), [layer])


def test_only_code_changes_a_layers_hash(stage: Stage, tmp_path: Path) -> None:
    package = tmp_path / "python" / "package"
    package.mkdir(parents=True)
    (package / "module.py").write_text("x = 1\n")
    before = asset_hash(stage, tmp_path)
    (tmp_path / "README.md").write_text("Read me.\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_module.py").write_text("def test(): ...\n")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "module.pyc").write_bytes(b"bytecode")
    assert asset_hash(stage, tmp_path) == before
    (package / "module.py").write_text("x = 2\n")
    assert asset_hash(stage, tmp_path) != before


def test_a_failing_bundle_names_the_reason_and_leaves_no_files(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "_BUNDLES", tmp_path / "bundles")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("httpx==0.28.1\n")
    with pytest.raises(ConfigurationError, match="hash"):
        dependency_layer(Stack(App()), "Layer", stage=stage, requirements=requirements)
    assert list((tmp_path / "bundles").iterdir()) == []


def test_a_bundle_is_built_once(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = Path("layers/dependencies/requirements.txt")
    dependency_layer(Stack(App()), "Layer", stage=stage, requirements=requirements)
    monkeypatch.setattr(bundle, "find_uv_bin", lambda: pytest.fail("built again"))
    dependency_layer(Stack(App()), "Layer", stage=stage, requirements=requirements)


@pytest.mark.parametrize(
    ("change", "reason"),
    [("x" * MAX_BYTES, "holds 8192"), ("Use {{this}}", "reference")],
)
def test_a_seed_that_ssm_would_refuse_is_rejected_at_synthesis(
    change: str, reason: str, tmp_path: Path
) -> None:
    seed = tmp_path / "seed.md"
    seed.write_text(SEED.read_text("utf-8") + change, encoding="utf-8")
    with pytest.raises(PromptError, match=reason):
        read_seed(seed)


def test_a_seed_may_not_name_a_local_model_which_no_deployment_stores(tmp_path: Path) -> None:
    seed = tmp_path / "seed.md"
    seed.write_text(to_markdown(with_local_model(packaged_prompt())), encoding="utf-8")
    with pytest.raises(PromptError, match=r"promote the candidate\.json"):
        read_seed(seed)
