"""The weekly workflow as a state machine, with its role and its log."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.encryption import allow_use, customer_key
from infra.nag import acknowledge
from infra.removal import removal_policy
from infra.stage import Stage
from infra.workflow_states import WorkflowFunctions, WorkflowStates
from route_switch.domain.learning.learning_config import MAX_RUN_HOURS

LONGEST_RUN = Duration.hours(MAX_RUN_HOURS)
LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
TRACING = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)


class Workflow(Construct):
    """The machine whose states `WorkflowStates` defines."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        functions: WorkflowFunctions,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._functions = functions
        self._topic = topic
        states = WorkflowStates(self, stage, functions, topic)
        role = self._role()
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=machine_name(stage),
            # Without updates, or the CDK would also allow all versions of each function.
            role=role.without_policy_updates(),
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_chainable(states.definition()),
            timeout=LONGEST_RUN,
            tracing_enabled=stage.tracing,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Logs",
                    # AWS adds every log group without this prefix to one resource policy of the
                    # account, which holds 5,120 characters.
                    log_group_name=f"/aws/vendedlogs/states/{machine_name(stage)}",
                    encryption_key=customer_key(self),
                    retention=logs.RetentionDays[stage.log_retention],
                    removal_policy=removal_policy(stage),
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,
            ),
        )
        self.machine.node.add_dependency(
            role
        )  # AWS checks the role's policy when it creates the machine

    def _role(self) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        functions = (self._functions.learning, self._functions.promote, self._functions.optimizer)
        allowed = {
            "lambda:InvokeFunction": [function.function_arn for function in functions],
            "sns:Publish": [self._topic.topic_arn],
        }
        for action, resources in allowed.items():
            role.add_to_policy(iam.PolicyStatement(actions=[action], resources=resources))
        allow_use(self, role)
        unscoped = [*LOG_DELIVERY, *(TRACING if self._stage.tracing else ())]
        role.add_to_policy(iam.PolicyStatement(actions=unscoped, resources=["*"]))
        reason = "The actions of log delivery and X-Ray do not support resources."
        acknowledge(role, "IAM5[Resource::*]", reason)
        return role


def machine_name(stage: Stage) -> str:
    return f"route-switch-{stage.name}-learning"
