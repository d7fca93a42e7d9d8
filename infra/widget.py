"""The function behind the dashboard's custom widgets."""

from collections.abc import Sequence

from aws_cdk import Duration
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction
from infra.layers import PythonLayer
from infra.prompt_parameters import Prompt, parameter_arn
from infra.stage import Stage


class CostsWidget(PythonFunction):
    """Reads counters, keys and prompt versions; it writes nothing.

    CloudWatch invokes it with the rights of whoever looks at the dashboard, so it needs no resource
    policy, and `lambda:InvokeFunction` on it is what lets a person see costs.
    """

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
            folder="dashboard",
            timeout=Duration.seconds(30),
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
        # No request's item: they hold texts.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*", "KEY#*", "LEARNING#*")
        self.allow(["dynamodb:Scan"], data.keys.table_arn)
        self.allow(
            ["ssm:GetParameter", "ssm:GetParameterHistory"],
            parameter_arn(self, prompt.live_name),
        )
        self.allow(["ssm:GetParameter"], parameter_arn(self, prompt.seed_name))
