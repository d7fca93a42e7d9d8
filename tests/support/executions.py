"""Run state machines of a local stack, and wait for the results."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from local.aws.client import STACK_NAME, StackInfo, aws_client


def aws(stack: StackInfo, service: str) -> Any:
    return aws_client(service, stack.aws_endpoint, stack.region)


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "timed out waiting"
        time.sleep(0.02)
    return value


def start(stack: StackInfo, machine: dict[str, Any], event: object = None) -> str:
    """Create a state machine for this execution, in the role of the stack's, and return the
    execution's ARN."""
    states, name = aws(stack, "stepfunctions"), str(uuid.uuid4())
    role = states.describe_state_machine(stateMachineArn=stack.state_machine)["roleArn"]
    arn = states.create_state_machine(name=name, definition=json.dumps(machine), roleArn=role)
    execution = states.start_execution(
        stateMachineArn=arn["stateMachineArn"], name=name, input=json.dumps(event or {})
    )
    return str(execution["executionArn"])


def finished(stack: StackInfo, execution: str) -> dict[str, Any]:
    """Return the execution's description once it has ended."""

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = aws(stack, "stepfunctions").describe_execution(
            executionArn=execution
        )
        return None if found["status"] == "RUNNING" else found

    result: dict[str, Any] = wait_until(ended)
    return result


def output(stack: StackInfo, execution: str) -> Any:
    ended = finished(stack, execution)
    assert ended["status"] == "SUCCEEDED", (ended, history(stack, execution)[-4:])
    return json.loads(ended["output"])


def history(stack: StackInfo, execution: str) -> list[dict[str, Any]]:
    pages = aws(stack, "stepfunctions").get_execution_history(executionArn=execution)
    events: list[dict[str, Any]] = pages["events"]
    return events


def physical_name(stack: StackInfo, logical_id: str) -> str:
    """Return the name of the one resource whose logical id has this prefix and ends in CDK's
    hash."""
    found = aws(stack, "cloudformation").describe_stack_resources(StackName=STACK_NAME)
    (name,) = (
        each["PhysicalResourceId"]
        for each in found["StackResources"]
        if each["LogicalResourceId"][:-8] == logical_id
    )
    return str(name)
