"""The function behind everything that the API offers beside routing."""

from collections.abc import Sequence

from aws_cdk import Duration
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction
from infra.prompt import Prompt, parameter_arn
from infra.python_layer import PythonLayer
from infra.router import router_environment
from infra.stage import Stage


class Management(PythonFunction):
    """Reads and deletes what the router records; calls no model."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: Prompt,
        layers: Sequence[PythonLayer],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="management",
            timeout=Duration.seconds(29),  # as long as API Gateway waits
            layers=layers,
            environment=router_environment(stage, data, prompt),
        )
        self.allow(["dynamodb:GetItem", "dynamodb:Scan"], data.keys.table_arn)
        self.allow_items(data.results, ["dynamodb:GetItem"], "RESULT#*")
        self.allow_objects(data.texts, ["s3:GetObject"])
        # Costs are summed from counters: no request's item is read in bulk.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*", "KEY#*", "LEARNING#*")
        self.allow(
            ["ssm:GetParameter", "ssm:GetParameterHistory"],
            parameter_arn(self, prompt.live_name),
        )
        self.allow(["ssm:GetParameter"], parameter_arn(self, prompt.seed_name))
