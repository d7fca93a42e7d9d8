"""The function behind the dashboard's custom widgets."""

from collections.abc import Sequence

from aws_cdk import Duration
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction
from infra.layers import PythonLayer
from infra.prompt_parameters import PromptParameters, parameter_arn
from infra.stage import Stage


class WidgetFunction(PythonFunction):
    """Read counters, keys and prompt versions. It writes nothing.

    CloudWatch invokes it with the permissions of the person who views the dashboard, so it needs no
    resource policy, and seeing costs needs `lambda:InvokeFunction` on it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: PromptParameters,
        layers: Sequence[PythonLayer],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="dashboard",
            timeout=Duration.seconds(30),
            reserved_concurrency=stage.bounded(5),
            layers=layers,
            environment={
                "RESULTS_TABLE": data.results.table_name,
                "KEYS_TABLE": data.keys.table_name,
                **prompt.parameters,
                **(
                    {}
                    if stage.monthly_budget_usd is None
                    else {"MONTHLY_BUDGET_USD": str(stage.monthly_budget_usd)}
                ),
            },
        )
        # Not the items of requests, which hold texts.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*", "KEY#*", "LEARNING#*")
        self.allow(["dynamodb:Scan"], data.keys.table_arn)
        self.allow(
            ["ssm:GetParameter", "ssm:GetParameterHistory"],
            parameter_arn(self, prompt.live_name),
        )
        self.allow(["ssm:GetParameter"], parameter_arn(self, prompt.seed_name))
