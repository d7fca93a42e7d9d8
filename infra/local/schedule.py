"""Starts what EventBridge Scheduler would start: schedules never fire in a local stack."""

import uuid
from datetime import UTC, datetime

from infra.local.client import StackInfo, aws_client
from infra.local.errors import LocalStackError

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


def start_scheduled(stack: StackInfo, scheduled_time: datetime) -> str:
    """Starts the learning workflow as its schedule would at that time; returns the execution's ARN.

    Starting the same time twice is the same event delivered twice, as may happen in AWS.
    """
    time = scheduled_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    execution = aws_client("stepfunctions", stack.aws_endpoint, stack.region).start_execution(
        stateMachineArn=stack.state_machine,
        name=str(uuid.uuid4()),
        input=scheduled_input(stack).replace(SCHEDULED_TIME, time),
    )
    return str(execution["executionArn"])


def scheduled_input(stack: StackInfo) -> str:
    """The input in the target of the one schedule that starts the learning workflow."""
    scheduler = aws_client("scheduler", stack.aws_endpoint, stack.region)
    names = [
        {"GroupName": each["GroupName"], "Name": each["Name"]}
        for each in scheduler.list_schedules()["Schedules"]
        if each["Target"]["Arn"] == stack.state_machine
    ]
    if len(names) != 1:
        raise LocalStackError(
            f"{len(names)} schedules start {stack.state_machine or 'a learning workflow'}, not one."
        )
    return str(scheduler.get_schedule(**names[0])["Target"]["Input"])
