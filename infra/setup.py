"""The first deployment's setup: create the first keys, and start routing and the live prompt."""

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction
from infra.layers import PythonLayer
from infra.prompt_parameters import PromptParameters, parameter_arn
from infra.stage import Stage


class Setup(Construct):
    """A custom resource with a plain function; the CDK's provider framework would need Node.js."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: PromptParameters,
        promoter: PythonFunction,
        layers: Sequence[PythonLayer],
    ) -> None:
        super().__init__(scope, construct_id)
        self.first_keys_name = f"/route-switch/{stage.name}/first-keys"
        self.function = PythonFunction(
            self,
            "Function",
            stage=stage,
            folder="setup",
            timeout=Duration.minutes(2),
            layers=layers,
            environment={
                "KEYS_TABLE": data.keys.table_name,
                "PROMOTER_FUNCTION": promoter.function.function_arn,
                "FIRST_KEYS_PARAMETER": self.first_keys_name,
                "SWITCHES_PARAMETER": prompt.switches_name,
                "ROUTING_START": stage.router.start,
            },
        )
        self.function.allow(["dynamodb:GetItem", "dynamodb:PutItem"], data.keys.table_arn)
        self.function.allow(["lambda:InvokeFunction"], promoter.function.function_arn)
        self.function.allow(
            ["ssm:GetParameter", "ssm:PutParameter"], parameter_arn(self, self.first_keys_name)
        )
        if stage.router.start != "on":  # later deployments change no switch
            switches = parameter_arn(self, prompt.switches_name)
            self.function.allow(["ssm:PutParameter"], switches)
        first_deploy = CustomResource(
            self,
            "FirstDeploy",
            resource_type="Custom::FirstDeploy",
            service_token=self.function.function.function_arn,
            service_timeout=Duration.minutes(3),
        )
        # Both functions run at that moment and need their roles' policies and what they read.
        first_deploy.node.add_dependency(self.function, promoter, prompt.seed)
