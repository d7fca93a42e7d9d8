"""Lambda layers without Docker: own code and wheels, with bytecode."""

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundle import bundled, packaged
from infra.stage import Stage

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


def code_layer(scope: Construct, construct_id: str, *, stage: Stage, folder: Path) -> PythonLayer:
    """The layer with own code: of the folder, only what functions may import."""
    return PythonLayer(scope, construct_id, stage=stage, bundle=packaged(stage, folder))


def dependency_layer(
    scope: Construct, construct_id: str, *, stage: Stage, requirements: Path
) -> PythonLayer:
    """The layer with the wheels that `requirements` locks."""
    return PythonLayer(scope, construct_id, stage=stage, bundle=bundled(stage, requirements))


def runtime(stage: Stage) -> lambda_.Runtime:
    return lambda_.Runtime(f"python{stage.python}", lambda_.RuntimeFamily.PYTHON)


def architecture(stage: Stage) -> lambda_.Architecture:
    arm = stage.architecture == "arm64"
    return lambda_.Architecture.ARM_64 if arm else lambda_.Architecture.X86_64


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
