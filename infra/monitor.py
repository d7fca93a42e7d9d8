"""The hourly check of quality and spending: a schedule, and a function that may order a
rollback."""

from collections.abc import Sequence

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction
from infra.layers import PythonLayer
from infra.prompt_parameters import PromptParameters, parameter_arn
from infra.scheduled import MissedStarts, run_on_schedule
from infra.stage import Stage
from route_switch.adapters.prompts.dynamodb_quality import ROLLBACK_PK


class MonitorFunction(PythonFunction):
    """Read the prompt's history and the counters; invoke `promoter`, which may change the prompt.

    It writes only the item of the rollback that it ordered.
    """

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
        missed: MissedStarts,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="monitor",
            timeout=Duration.minutes(2),
            layers=layers,
            environment={
                "RESULTS_TABLE": data.results.table_name,
                "KEYS_TABLE": data.keys.table_name,
                **prompt.parameters,
                "PROMOTER_FUNCTION": promoter.function.function_arn,
                "TRUSTED_KEYS": " ".join(stage.learning.trusted_keys),
            },
        )
        self.allow(["ssm:GetParameterHistory"], parameter_arn(self, prompt.live_name))
        self.allow(["lambda:InvokeFunction"], promoter.function.function_arn)
        # Not the items of requests, which hold texts.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*", "LEARNING#*", "KEY#*")
        self.allow(["dynamodb:Scan"], data.keys.table_arn)
        self.allow_items(data.results, ["dynamodb:GetItem", "dynamodb:Query"], "QUALITY#*")
        self.allow_items(data.results, ["dynamodb:DeleteItem", "dynamodb:PutItem"], ROLLBACK_PK)
        run_on_schedule(
            self,
            "Hourly",
            scheduler.ScheduleExpression.cron(minute="0", time_zone=TimeZone.ETC_UTC),
            description="Checks feedback on the live prompt, and spending",
            missed=missed,
        )
