"""A Lambda function as a container image, for libraries that no zip function can hold."""

from collections.abc import Mapping
from functools import partial

from aws_cdk import Duration
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.function import FUNCTIONS, StageFunction
from infra.stage import Stage

_PLATFORMS = {
    "arm64": ecr_assets.Platform.LINUX_ARM64,
    "x86_64": ecr_assets.Platform.LINUX_AMD64,
}


class ImageFunction(StageFunction):
    """`functions/<folder>/Dockerfile`, built from the files that `.dockerignore` lets in.

    Docker is needed for the deployment only. A Dockerfile may use what `local/aws/image.py`
    can follow.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        folder: str,
        timeout: Duration,
        memory_mb: int,
        environment: Mapping[str, str],
    ) -> None:
        code = lambda_.DockerImageCode.from_image_asset(
            ".",
            file=str(FUNCTIONS / folder / "Dockerfile"),
            build_args={"PYTHON_VERSION": stage.python},
            platform=_PLATFORMS[stage.architecture],
        )
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder=folder,
            make=partial(lambda_.DockerImageFunction, code=code),
            timeout=timeout,
            memory_mb=memory_mb,
            environment=environment,
        )
