"""Weekly learning: its functions, the workflow, the schedule and the notifications."""

from collections.abc import Sequence

from aws_cdk import Duration, TimeZone
from aws_cdk import Stack as CdkStack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.data import Data
from infra.drift import DriftFunction
from infra.encryption import allow_use, customer_key
from infra.function import PythonFunction, StageFunction
from infra.layers import PythonLayer
from infra.management import allow_forgetting
from infra.monitor import MonitorFunction
from infra.nag import acknowledge
from infra.optimizer import OptimizerFunction
from infra.prompt_parameters import PromptParameters, parameter_arn
from infra.scheduled import MissedStarts, scheduler_role
from infra.stage import Stage
from infra.workflow import Workflow, machine_name
from infra.workflow_states import WorkflowFunctions
from route_switch.adapters.learning.demo_claims import CLAIMS
from route_switch.adapters.operations.dynamodb_audit import AUDIT_PARTITIONS
from route_switch.adapters.prompts.dynamodb_quality import REJECTED_PK
from route_switch.adapters.results_table import FORGOTTEN, LEARNING_INDEX
from route_switch.adapters.s3_local_models import MODELS


class Learning(Construct):
    """The learning part of a stage. Each function has its own role: only the promoter may write the
    live prompt, and only the optimizer may call models."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        data: Data,
        prompt: PromptParameters,
        layers: Sequence[PythonLayer],
        router_log: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._data = data
        self._prompt = prompt
        self._layers = layers
        self.topic = self._topic()
        self.missed = MissedStarts(self, "Missed")
        environment = self._environment()
        self.steps = self._small_steps(environment)
        self.promote = self._promoter(environment)
        self.optimizer = OptimizerFunction(
            self, "Optimizer", stage=stage, data=data, environment=environment
        )
        self.workflow = Workflow(
            self,
            "Workflow",
            stage=stage,
            functions=WorkflowFunctions(
                self.steps.function, self.promote.function, self.optimizer.function
            ),
            topic=self.topic,
        )
        for function in (self.steps, self.promote, self.optimizer):
            # To read whether learning is off.
            function.allow(["ssm:GetParameter"], parameter_arn(self, prompt.switches_name))
        self.machine = self.workflow.machine
        self._schedule()
        self._notify_of_aborted_runs()
        self.drift = DriftFunction(
            self,
            "Drift",
            stage=stage,
            data=data,
            prompt=prompt,
            layers=layers,
            missed=self.missed,
            state_machine_arn=self.machine.state_machine_arn,
        )
        self.monitor = MonitorFunction(
            self,
            "Monitor",
            stage=stage,
            data=data,
            prompt=prompt,
            promoter=self.promote,
            layers=layers,
            missed=self.missed,
            router_log=router_log,
        )
        self.functions = (self.steps, self.promote, self.drift, self.monitor)

    def link_to(self, console: str) -> None:
        """End notifications with the console's address."""
        for each in (self.steps, self.promote):
            each.function.add_environment("CONSOLE_URL", console)

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(self, "Runs", enforce_ssl=True, master_key=customer_key(self))
        if self._stage.notify_email is not None:
            topic.add_subscription(subscriptions.EmailSubscription(self._stage.notify_email))
        return topic

    def _environment(self) -> dict[str, str]:
        """Return the environment that `route_switch.wiring.learning` reads."""
        stage, data = self._stage, self._data
        return {
            "STAGE": stage.name,
            "ROUTE_SWITCH_CONFIG": stage.router.model_dump_json(exclude_defaults=True),
            "LEARNING_CONFIG": stage.learning.model_dump_json(exclude_defaults=True, by_alias=True),
            "RESULTS_TABLE": data.results.table_name,
            "TEXTS_BUCKET": data.texts.bucket_name,
            "LEARNING_BUCKET": data.learning.bucket_name,
            "RUNS_TOPIC": self.topic.topic_arn,
            **self._prompt.parameters,
            "SWITCHES_PARAMETER": self._prompt.switches_name,
        }

    def _small_steps(self, environment: dict[str, str]) -> PythonFunction:
        steps = self._function("Steps", "learning", Duration.minutes(5), environment)
        results = self._data.results
        # A transaction needs the permissions of its writes.
        steps.allow_items(
            results,
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            "RUNS",
            "LOCK#learning",
        )
        steps.allow_items(results, ["dynamodb:DeleteItem"], "LOCK#learning")
        steps.allow_items(results, ["dynamodb:GetItem"], "LEARNING#*")
        steps.allow_items(results, ["dynamodb:Query"], FORGOTTEN)
        allow_forgetting(steps, self._data)
        steps.allow_items(results, ["dynamodb:BatchGetItem"], "DAY#*", "RESULT#*")
        steps.allow(["dynamodb:Query"], f"{results.table_arn}/index/{LEARNING_INDEX}")
        steps.allow_objects(self._data.texts, ["s3:GetObject"])
        steps.allow_objects(
            self._data.learning, ["s3:GetObject"], prefixes=("seed/", "work/"), lists=True
        )
        steps.allow_objects(self._data.learning, ["s3:PutObject"], prefixes=("runs/", "work/"))
        steps.allow(
            ["ssm:GetParameter"],
            parameter_arn(self, self._prompt.live_name),
            parameter_arn(self, self._prompt.seed_name),
        )
        ratios = parameter_arn(self, self._prompt.ratios_name)
        steps.allow(["ssm:GetParameter", "ssm:PutParameter"], ratios)
        steps.allow(["sns:Publish"], self.topic.topic_arn)
        self._allow_figures(steps)
        allow_executions(steps, self._stage)
        return steps

    def _promoter(self, environment: dict[str, str]) -> PythonFunction:
        promoter = self._function("Promoter", "promote", Duration.minutes(1), environment)
        promoter.allow(
            ["ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"],
            parameter_arn(self, self._prompt.live_name),
        )
        if self._stage.learning.go_live == "gate":
            switches = parameter_arn(self, self._prompt.switches_name)
            promoter.allow(["ssm:PutParameter"], switches)
        promoter.allow_items(
            self._data.results, ["dynamodb:DeleteItem", "dynamodb:PutItem"], "LOCK#prompt"
        )
        promoter.allow_items(self._data.results, ["dynamodb:PutItem"], AUDIT_PARTITIONS)
        promoter.allow(["ssm:GetParameter"], parameter_arn(self, self._prompt.seed_name))
        promoter.allow_items(self._data.results, ["dynamodb:Query"], FORGOTTEN)
        promoter.allow_items(
            self._data.results, ["dynamodb:GetItem", "dynamodb:PutItem"], REJECTED_PK
        )
        promoter.allow(["sns:Publish"], self.topic.topic_arn)
        self._allow_figures(promoter)
        promoter.allow_objects(
            self._data.learning, ["s3:GetObject"], prefixes=("runs/", MODELS, CLAIMS), lists=True
        )
        promoter.allow_objects(self._data.learning, ["s3:PutObject"], prefixes=("prompts/", MODELS))
        return promoter

    def _allow_figures(self, function: PythonFunction) -> None:
        """Let the function read the figures of its notifications (`workflow.mail`)."""
        results = self._data.results
        function.allow_items(results, ["dynamodb:BatchGetItem"], "DAY#*", "LEARNING#*")
        function.allow_items(results, ["dynamodb:GetItem"], "QUALITY#live@*")
        function.allow_items(results, ["dynamodb:Query"], "RUNS")

    def _function(
        self, construct_id: str, folder: str, timeout: Duration, environment: dict[str, str]
    ) -> PythonFunction:
        return PythonFunction(
            self,
            construct_id,
            stage=self._stage,
            folder=folder,
            timeout=timeout,
            layers=self._layers,
            environment=environment,
        )

    def _schedule(self) -> None:
        """Start a run every week. The scheduled time identifies it: Scheduler may deliver twice."""
        role = scheduler_role(self)
        self.machine.grant_start_execution(role)
        scheduler.Schedule(
            self,
            "Weekly",
            description="Learns from the traffic of the last weeks",
            schedule=scheduler.ScheduleExpression.expression(
                self._stage.learning.schedule, TimeZone.ETC_UTC
            ),
            target=targets.StepFunctionsStartExecution(
                self.machine,
                role=role,
                input=scheduler.ScheduleTargetInput.from_object(
                    {
                        "scheduled_time": scheduler.ContextAttribute.scheduled_time,
                        "trigger": "schedule",
                    }
                ),
                dead_letter_queue=self.missed,
            ),
        )

    def _notify_of_aborted_runs(self) -> None:
        """Notify of runs that were stopped or timed out: they reach no state that could do it."""
        name = f"route-switch {self._stage.name}: a learning run"
        role = self._notifier_role()
        events.Rule(
            self,
            "Ended",
            description="Learning runs that were stopped or timed out",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [self.machine.state_machine_arn],
                    "status": ["ABORTED", "TIMED_OUT"],
                },
            ),
            targets=[
                events_targets.SnsTopic(
                    self.topic,
                    # A policy of the topic would let EventBridge publish for any account's rules.
                    authorize_using_role=True,
                    role=role.without_policy_updates(),
                    dead_letter_queue=self.missed,
                    message=events.RuleTargetInput.from_text(
                        f"{name} was stopped or took too long, and ended as "
                        f"{events.EventField.from_path('$.detail.status')}: "
                        f"{events.EventField.from_path('$.detail.executionArn')}. "
                        "The live prompt is unchanged, unless Promote had already succeeded, and "
                        "requests are routed as before. If nobody stopped the run on purpose, look "
                        "up the reason in the execution's history, and start another one with "
                        f"'route-switch learn --stage {self._stage.name}'."
                    ),
                )
            ],
        )

    def _notifier_role(self) -> iam.Role:
        """Return a role with which rules of this account publish to the topic."""
        account = {"StringEquals": {"aws:SourceAccount": CdkStack.of(self).account}}
        trusted = iam.ServicePrincipal("events.amazonaws.com", conditions=account)
        role = iam.Role(self, "NotifierRole", assumed_by=trusted)
        role.add_to_policy(
            iam.PolicyStatement(actions=["sns:Publish"], resources=[self.topic.topic_arn])
        )
        allow_use(self, role)
        return role


def allow_executions(function: StageFunction, stage: Stage) -> None:
    """Let the function see whether a run is running.

    The state machine depends on one of these functions, so its ARN is built from its name.
    """
    stack, name = CdkStack.of(function), machine_name(stage)
    place = f"states:{stack.region}:{stack.account}:execution:{name}:*"
    function.allow(["states:DescribeExecution"], f"arn:{stack.partition}:{place}")
    found = f"states:{stack.region}:<AWS::AccountId>:execution:{name}:*"
    acknowledge(
        function.role,
        f"IAM5[Resource::arn:<AWS::Partition>:{found}]",
        "Each execution gets its ARN when it starts.",
    )
