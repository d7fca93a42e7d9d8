"""The template's state machine, its schedule and its notifications."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.aws.client import StackInfo
from local.aws.errors import LocalStackError
from local.aws.schedule import start_scheduled
from local.aws.workflow import definition
from tests.support.definitions import state_machine
from tests.support.executions import aws, output, physical_name

SUNDAY = datetime(2026, 11, 22, 3, tzinfo=UTC)
Json = dict[str, Any]


def test_the_executed_definition_is_the_templates(stack: StackInfo, assembly: Path) -> None:
    template = json.loads((assembly / "Local.template.json").read_text())
    machine = state_machine(template, stack)
    found = aws(stack, "stepfunctions").describe_state_machine(stateMachineArn=stack.state_machine)
    assert (found["definition"], found["roleArn"]) == (machine.definition, machine.role_arn)
    assert found["tracingConfiguration"] == {"enabled": True}
    assert found["loggingConfiguration"]["level"] == "ALL"
    (destination,) = found["loggingConfiguration"]["destinations"]
    assert "WorkflowLog" in destination["cloudWatchLogsLogGroup"]["logGroupArn"]


def test_definition_substitutions_are_applied() -> None:
    properties = {"DefinitionString": "${a} ${b}", "DefinitionSubstitutions": {"a": 1}}
    assert definition(properties) == "1 ${b}"


def test_the_stack_file_contains_the_names_for_learning(stack: StackInfo) -> None:
    aws(stack, "s3").head_bucket(Bucket=stack.learning_bucket)
    subscriptions = aws(stack, "sns").list_subscriptions_by_topic(TopicArn=stack.runs_topic)
    protocols = [each["Protocol"] for each in subscriptions["Subscriptions"]]
    assert sorted(protocols) == ["email", "sqs"]


def test_the_scheduled_event_runs_the_machine_and_notifies_once(stack: StackInfo) -> None:
    execution = start_scheduled(stack, SUNDAY)
    result = output(stack, execution)
    assert (result["scheduled_time"], result["trigger"]) == ("2026-11-22T03:00:00Z", "schedule")
    assert [each["slice"]["steps_done"] for each in result["shards"]] == [2, 2, 2, 2]
    assert result["approval"]["Error"] == "States.HeartbeatTimeout"
    subject = f"Learning: {execution.rpartition(':')[2]}"
    told = [
        each["Message"]
        for each in messages(stack, physical_name(stack, "WorkflowNotifications"))
        if each["Subject"] == subject
    ]
    assert [json.loads(message) for message in told] == [result]


def messages(stack: StackInfo, queue: str) -> list[Json]:
    received = aws(stack, "sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(each["Body"]) for each in received.get("Messages", [])]


def test_a_duplicate_event_starts_two_executions(stack: StackInfo) -> None:
    first, second = start_scheduled(stack, SUNDAY), start_scheduled(stack, SUNDAY)
    assert first != second
    inputs = {
        aws(stack, "stepfunctions").describe_execution(executionArn=each)["input"]
        for each in (first, second)
    }
    assert len(inputs) == 1


def test_a_machine_without_a_schedule_is_not_started(stack: StackInfo) -> None:
    nothing = StackInfo(**{**vars(stack), "state_machine": "arn:other"})
    with pytest.raises(LocalStackError, match="0 schedules start arn:other"):
        start_scheduled(nothing, SUNDAY)
