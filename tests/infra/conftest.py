"""Stages, synthesized once per test run: starting Node.js and loading the CDK takes seconds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from infra.app import read_context, synthesize, use_bundled_node
from infra.stage import load_stage
from tests.support.once import once_a_run

use_bundled_node()  # before any test module imports aws_cdk

Resource = dict[str, Any]  # a template is data, not a model
LAMBDA_MOST_S = 900
"""The longest timeout that Lambda allows."""


@dataclass(frozen=True)
class Synthesized:
    """The cloud assembly of a stage, on disk."""

    folder: Path
    stack: str

    @property
    def text(self) -> str:
        return (self.folder / f"{self.stack}.template.json").read_text(encoding="utf-8")

    @property
    def template(self) -> dict[str, Any]:
        template: dict[str, Any] = json.loads(self.text)
        return template

    def resources(self, kind: str) -> dict[str, Resource]:
        every = self.template["Resources"].items()
        return {name: resource for name, resource in every if resource["Type"] == kind}

    def function(self, name: str) -> Resource:
        found = [
            resource["Properties"]
            for logical_id, resource in self.resources("AWS::Lambda::Function").items()
            if logical_id.startswith(name)
        ]
        assert len(found) == 1, f"{name}: {len(found)} functions"
        properties: Resource = found[0]
        return properties

    def code_folder(self, function: str) -> Path:
        """Return the asset with a function's own code."""
        return self._asset(self.function(function)["Code"]["S3Key"])

    def layer_folders(self, function: str) -> list[Path]:
        """Return the assets of a function's layers, as Lambda would unzip them to /opt."""
        layers = self.resources("AWS::Lambda::LayerVersion")
        found = (layers[layer["Ref"]] for layer in self.function(function).get("Layers", []))
        return [self._asset(layer["Properties"]["Content"]["S3Key"]) for layer in found]

    def _asset(self, key: str) -> Path:
        files = json.loads((self.folder / f"{self.stack}.assets.json").read_text())["files"]
        source: str = files[key.removesuffix(".zip")]["source"]["path"]
        return self.folder / source

    def statements(self) -> Iterator[tuple[str, Resource]]:
        for name, policy in self.resources("AWS::IAM::Policy").items():
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                yield name, statement


def environment_of(stage: Synthesized, function: str) -> dict[str, str]:
    """Return a function's environment. Values known only at deployment are logical ids."""
    variables = stage.function(function)["Environment"]["Variables"]
    return {name: v if isinstance(v, str) else v["Ref"] for name, v in variables.items()}


def listed(value: Any) -> list[Any]:
    """Return a value of a template as a list: one of one element may be written without it."""
    return value if isinstance(value, list) else [value]


def synthesize_stage(
    folder: Path,
    name: str,
    *,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, JsonValue] | None = None,
) -> Synthesized:
    """Synthesize a stage of cdk.json with some settings changed."""
    context = read_context({})
    stages = context["stages"]
    assert isinstance(stages, dict)
    stage = stages[name]
    assert isinstance(stage, dict)
    changed: dict[str, JsonValue] = {**context, "stages": {name: {**stage, **(settings or {})}}}
    synthesize(load_stage(changed, name, environment or {}), changed, str(folder))
    return Synthesized(folder, stack_name(name))


def stack_name(stage: str) -> str:
    return f"route-switch-{stage}"


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Stage prod. Synthesis fails if a rule of AWS or cdk-nag finds what is not accepted."""
    return _synthesized_once(tmp_path_factory, "prod", "prod")


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return _synthesized_once(tmp_path_factory, "local", "local")


@pytest.fixture(scope="session")
def openai_hash(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Stage local with OpenAI models, one of them without a price, and hashed texts."""
    return _synthesized_once(
        tmp_path_factory,
        "openai",
        "local",
        environment={"ROUTE_SWITCH_PROFILE": "openai", "TIER_1_MODEL": "nobody/knows"},
        settings={"router": {"text_storage": "hash"}},
    )


def _synthesized_once(
    factory: pytest.TempPathFactory,
    folder: str,
    stage: str,
    *,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, JsonValue] | None = None,
) -> Synthesized:
    def synthesis(target: Path) -> None:
        synthesize_stage(target, stage, environment=environment, settings=settings)

    return Synthesized(once_a_run(factory, folder, synthesis), stack_name(stage))
