"""The daily drift check: a schedule, and a function that may start a learning run."""

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
from route_switch.adapters.learning.dynamodb_drift import DRIFT_PARTITIONS


class DriftFunction(PythonFunction):
    """Read the live prompt, the switches, the daily counters and the runs; start the state machine.

    It writes only the figures of its check.
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
        missed: MissedStarts,
        state_machine_arn: str,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            folder="drift",
            timeout=Duration.minutes(1),
            layers=layers,
            environment={
                "RESULTS_TABLE": data.results.table_name,
                **prompt.parameters,
                "SWITCHES_PARAMETER": prompt.switches_name,
                "STATE_MACHINE_ARN": state_machine_arn,
            },
        )
        self.allow(
            ["ssm:GetParameter"],
            parameter_arn(self, prompt.live_name),
            parameter_arn(self, prompt.switches_name),
        )
        self.allow(["states:StartExecution"], state_machine_arn)
        # Not the items of requests, which hold texts.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*")
        self.allow_items(data.results, ["dynamodb:Query"], "RUNS")
        # The day's figures, for the time line.
        self.allow_items(data.results, ["dynamodb:PutItem"], DRIFT_PARTITIONS)
        # Half an hour after the day that it checks, when all of its requests are counted.
        run_on_schedule(
            self,
            "Daily",
            scheduler.ScheduleExpression.cron(minute="30", hour="0", time_zone=TimeZone.ETC_UTC),
            description="Compares traffic with the prediction for the live prompt",
            missed=missed,
        )
