"""Scheduled functions and runs, and the queue of starts that failed."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import StageFunction
from infra.nag import acknowledge


class MissedStarts(sqs.Queue):
    """Starts that failed for a day, and events whose function failed at every attempt.

    The messages hold scheduled times and notices, never texts, so AWS's own key suffices.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(self, "SQS3", "This queue is itself a dead-letter queue.")


def scheduler_role(scope: Construct) -> iam.Role:
    """Return a role for schedules of this account only."""
    account = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    trusted = iam.ServicePrincipal("scheduler.amazonaws.com", conditions=account)
    return iam.Role(scope, "ScheduleRole", assumed_by=trusted)


def run_on_schedule(
    function: StageFunction,
    construct_id: str,
    schedule: scheduler.ScheduleExpression,
    *,
    description: str,
    missed: MissedStarts,
) -> None:
    """Invoke the function on a schedule. The event is the scheduled time, even on redelivery."""
    role = scheduler_role(function)
    for action, resource in (
        ("lambda:InvokeFunction", function.function.function_arn),
        ("sqs:SendMessage", missed.queue_arn),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
    scheduler.Schedule(
        function,
        construct_id,
        description=description,
        schedule=schedule,
        target=targets.LambdaInvoke(
            function.function,
            input=scheduler.ScheduleTargetInput.from_object(
                {"scheduled_time": scheduler.ContextAttribute.scheduled_time}
            ),
            dead_letter_queue=missed,
            # Without updates, or the CDK would also allow all versions of the function.
            role=role.without_policy_updates(),
        ),
    )
    # Scheduler invokes asynchronously, so Lambda retries: three attempts in all.
    function.function.configure_async_invoke(on_failure=destinations.SqsDestination(missed))
