"""Lambda layers without Docker: own code as it lies, dependencies as wheels for Lambda."""

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundle import bundled
from infra.stage import Stage

MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""Lambda's limit for a function together with its layers."""

_NOT_IN_A_LAYER = ["/*", "!/python", "__pycache__", "*.pyc", "/python/route_switch/cli"]
"""As in a .gitignore: of a folder with own code, `python/` only."""


class PythonLayer(lambda_.LayerVersion):
    """A folder with `python/` in it, as a layer for the stage's runtime."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        folder: Path,
        digest: str | None = None,
    ) -> None:
        """`digest` names a bundle's content; own code has none, and CDK hashes it."""
        code = lambda_.Code.from_asset(
            str(folder),
            exclude=_NOT_IN_A_LAYER if digest is None else [],
            ignore_mode=IgnoreMode.GIT,
            asset_hash=digest,
        )
        super().__init__(
            scope,
            construct_id,
            code=code,
            compatible_runtimes=[runtime(stage)],
            compatible_architectures=[architecture(stage)],
        )
        self.unzipped_bytes = size_of(folder)


def dependency_layer(
    scope: Construct, construct_id: str, *, stage: Stage, requirements: Path
) -> PythonLayer:
    """The layer with the wheels that `requirements` locks."""
    folder = bundled(stage, requirements)
    return PythonLayer(scope, construct_id, stage=stage, folder=folder, digest=folder.name)


def runtime(stage: Stage) -> lambda_.Runtime:
    return lambda_.Runtime(f"python{stage.python}", lambda_.RuntimeFamily.PYTHON)


def architecture(stage: Stage) -> lambda_.Architecture:
    arm = stage.architecture == "arm64"
    return lambda_.Architecture.ARM_64 if arm else lambda_.Architecture.X86_64


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
