"""The optimizer: the function that learns, as a container image."""

from collections.abc import Mapping

from aws_cdk import Duration
from constructs import Construct

from infra.bedrock import invocable_arns
from infra.data import Data
from infra.function import ImageFunction
from infra.stage import Stage
from route_switch.adapters.learning.demo_claims import CLAIMS
from route_switch.adapters.s3_local_models import MODELS

MEMORY_MB = 3008
"""The most that a new AWS account may use."""


class OptimizerFunction(ImageFunction):
    """Read examples, call models within the monthly cap, and write results to the learning bucket.

    It works in slices, because no function runs longer than 15 minutes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="optimizer",
            timeout=Duration.minutes(15),
            memory_mb=MEMORY_MB,
            environment={
                **environment,
                **(
                    {}
                    if data.provider_secret is None
                    else {"PROVIDER_SECRET": data.provider_secret.secret_arn}
                ),
            },
        )
        self.allow_items(data.results, ["dynamodb:GetItem", "dynamodb:UpdateItem"], "LEARNING#*")
        self.allow_objects(
            data.learning,
            ["s3:GetObject", "s3:PutObject"],
            prefixes=("answers/", "work/", "runs/", "gate-history.json", CLAIMS),
            lists=True,
        )
        # The numbers of the incumbent's local model.
        self.allow_objects(data.learning, ["s3:GetObject"], prefixes=(MODELS,))
        if data.provider_secret is not None:
            self.allow(["secretsmanager:GetSecretValue"], data.provider_secret.secret_arn)
        self._allow_models(stage)

    def _allow_models(self, stage: Stage) -> None:
        models, learning = stage.router.models, stage.learning
        answering = tuple(tier.model for tier in models.tiers.values())
        grading = (name for name in (learning.proposer, learning.judge) if name is not None)
        names = (*answering, models.router, *grading)
        arns = invocable_arns(self, names, stage.router.bedrock_region)
        if arns:
            self.allow(["bedrock:InvokeModel"], *arns)
