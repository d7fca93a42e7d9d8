"""Lambda layers built without Docker, and the choice of layers for a stage's functions."""

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundle import bundle_code, bundle_wheels
from infra.stage import Stage
from route_switch.domain.providers import IN_PROCESS

LAYERS = Path("layers")
"""Providers whose models run inside the function, which need the offline layers."""
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""Lambda's limit for a function together with its layers."""


class PythonLayer(lambda_.LayerVersion):
    """A bundle (`infra.bundle`) as a layer for the stage's runtime."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, bundle: Path) -> None:
        super().__init__(
            scope,
            construct_id,
            code=lambda_.Code.from_asset(str(bundle), asset_hash=bundle.name),
            compatible_runtimes=[runtime(stage)],
            compatible_architectures=[architecture(stage)],
        )
        self.unzipped_bytes = size_of(bundle)


def base_layers(scope: Construct, stage: Stage) -> list[PythonLayer]:
    """Return the layers that every function imports from."""
    requirements = LAYERS / "dependencies/requirements.txt"
    return [
        code_layer(scope, "CoreLayer", stage=stage, folder=LAYERS / "core"),
        dependency_layer(scope, "DependencyLayer", stage=stage, requirements=requirements),
    ]


def offline_layers(scope: Construct, stage: Stage) -> list[PythonLayer]:
    """Return the layers with the recorded answers and the encoder."""
    if not stage.providers & IN_PROCESS:
        return []
    requirements = LAYERS / "offline/requirements.txt"
    return [
        code_layer(scope, "OfflineLayer", stage=stage, folder=LAYERS / "offline"),
        dependency_layer(scope, "EncoderLayer", stage=stage, requirements=requirements),
    ]


def litellm_layer(scope: Construct, stage: Stage) -> list[PythonLayer]:
    """Return LiteLLM's layer if a model has no other client: importing LiteLLM takes seconds."""
    if not stage.foreign_providers:
        return []
    requirements = LAYERS / "litellm/requirements.txt"
    return [dependency_layer(scope, "LiteLlmLayer", stage=stage, requirements=requirements)]


def code_layer(scope: Construct, construct_id: str, *, stage: Stage, folder: Path) -> PythonLayer:
    """Return a layer with own code: the part of `folder` that functions may import."""
    return PythonLayer(scope, construct_id, stage=stage, bundle=bundle_code(stage, folder))


def dependency_layer(
    scope: Construct, construct_id: str, *, stage: Stage, requirements: Path
) -> PythonLayer:
    """Return a layer with the wheels that `requirements` locks."""
    return PythonLayer(scope, construct_id, stage=stage, bundle=bundle_wheels(stage, requirements))


def runtime(stage: Stage) -> lambda_.Runtime:
    return lambda_.Runtime(f"python{stage.python}", lambda_.RuntimeFamily.PYTHON)


def architecture(stage: Stage) -> lambda_.Architecture:
    arm = stage.architecture == "arm64"
    return lambda_.Architecture.ARM_64 if arm else lambda_.Architecture.X86_64


def size_of(folder: Path) -> int:
    """Return the bytes of all files below `folder`."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
