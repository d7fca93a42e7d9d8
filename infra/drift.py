"""The daily look at drift: a schedule, and a function that may start a learning run."""

from collections.abc import Sequence

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from infra.data import Data
from infra.function import PythonFunction
from infra.prompt import Prompt, parameter_arn
from infra.python_layer import PythonLayer
from infra.stage import Stage


class Drift(PythonFunction):
    """Reads the live prompt, the switches, the days' counters and the runs, and starts
    `state_machine_arn`. It writes nothing."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: Prompt,
        layers: Sequence[PythonLayer],
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
                "LIVE_PROMPT_PARAMETER": prompt.live_name,
                "SEED_PROMPT_PARAMETER": prompt.seed_name,
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
        # No request's item: they hold texts.
        self.allow_items(data.results, ["dynamodb:BatchGetItem"], "DAY#*")
        self.allow_items(data.results, ["dynamodb:Query"], "RUNS")
        self._run_daily()

    def _run_daily(self) -> None:
        """Half an hour after the day that it looks at: by then every request of it is counted."""
        role = iam.Role(
            self, "ScheduleRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com")
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[self.function.function_arn]
            )
        )
        scheduler.Schedule(
            self,
            "Daily",
            description="Compares traffic with what the live prompt was predicted to get",
            schedule=scheduler.ScheduleExpression.cron(
                minute="30", hour="0", time_zone=TimeZone.ETC_UTC
            ),
            target=targets.LambdaInvoke(
                self.function,
                input=scheduler.ScheduleTargetInput.from_object(
                    {"scheduled_time": scheduler.ContextAttribute.scheduled_time}
                ),
                # Without updates: CDK would allow all versions of the function as well.
                role=role.without_policy_updates(),
            ),
        )
