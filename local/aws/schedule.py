"""Start what EventBridge Scheduler would start: schedules never fire in a local stack."""

import uuid
from datetime import UTC, datetime

from local.aws.client import StackInfo, aws_client, client_in_role
from local.aws.errors import LocalStackError

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


def start_scheduled(stack: StackInfo, scheduled_time: datetime) -> str:
    """Start the learning workflow as its schedule would, and return the execution's ARN.

    Calling it twice with one time delivers the same event twice, which can happen in AWS.
    """
    time = scheduled_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    target = scheduled_target(stack)
    where = (stack.aws_endpoint, stack.region)
    execution = client_in_role("stepfunctions", *where, target["RoleArn"]).start_execution(
        stateMachineArn=stack.state_machine,
        name=str(uuid.uuid4()),
        input=target["Input"].replace(SCHEDULED_TIME, time),
    )
    return str(execution["executionArn"])


def scheduled_target(stack: StackInfo) -> dict[str, str]:
    """Return the target of the only schedule that starts the learning workflow."""
    scheduler = aws_client("scheduler", stack.aws_endpoint, stack.region)
    names = [
        {"GroupName": each["GroupName"], "Name": each["Name"]}
        for each in scheduler.list_schedules()["Schedules"]
        if each["Target"]["Arn"] == stack.state_machine
    ]
    if len(names) != 1:
        raise LocalStackError(
            f"{len(names)} schedules start {stack.state_machine or 'a learning workflow'}, "
            "but exactly one should."
        )
    target: dict[str, str] = scheduler.get_schedule(**names[0])["Target"]
    return target
