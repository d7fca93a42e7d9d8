"""The function that learns: the optimizer, in a container image."""

from aws_cdk import Duration
from constructs import Construct

from infra.image_function import ImageFunction
from infra.stage import Stage

MEMORY_MB = 3008
"""As much as a new AWS account may take."""


class Optimizer(ImageFunction):
    """Works in slices, because no function runs longer than 15 minutes."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="optimizer",
            timeout=Duration.minutes(15),
            memory_mb=MEMORY_MB,
            environment={"POWERTOOLS_LOG_LEVEL": stage.log_level},
        )
