"""The hourly look at quality and spending: a schedule, and a function that may ask for a
rollback."""

from collections.abc import Sequence

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction
from infra.prompt_parameters import Prompt, parameter_arn
from infra.python_layer import PythonLayer
from infra.scheduled import Missed, run_on_schedule
from infra.stage import Stage
from route_switch.adapters.prompts.dynamodb_quality import ROLLBACK_PK


class Monitor(PythonFunction):
    """Reads the prompt's history and counters, and invokes `promoter`, which alone may change the
    prompt. All that it writes is the note of what it asked for."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: Prompt,
        promoter: PythonFunction,
        layers: Sequence[PythonLayer],
        missed: Missed,
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
                **prompt.parameters,
                "PROMOTER_FUNCTION": promoter.function.function_arn,
            },
        )
        self.allow(["ssm:GetParameterHistory"], parameter_arn(self, prompt.live_name))
        self.allow(["lambda:InvokeFunction"], promoter.function.function_arn)
        # No request's item: they hold texts.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*", "LEARNING#*")
        self.allow_items(data.results, ["dynamodb:GetItem"], "QUALITY#*")
        self.allow_items(data.results, ["dynamodb:DeleteItem", "dynamodb:PutItem"], ROLLBACK_PK)
        run_on_schedule(
            self,
            "Hourly",
            scheduler.ScheduleExpression.cron(minute="0", time_zone=TimeZone.ETC_UTC),
            description="Looks at what people say about the live prompt, and at spending",
            missed=missed,
        )
