"""The daily drift check, in a stack of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from infra.app import read_context
from infra.data import Data
from infra.drift import DriftFunction
from infra.layers import code_layer
from infra.prompt_parameters import PromptParameters
from infra.scheduled import MissedStarts
from infra.stage import load_stage

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:learning"


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """Resources of the stack. cdk-nag raises on any finding that is not accepted."""
    from aws_cdk import Validations
    from cdk_nag import AwsSolutionsChecks

    stage = load_stage(read_context({}), "prod", {})
    app = App(builtin_cloud_formation_validation=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    stack = Stack(app, "Stack")
    data = Data(stack, "Data", stage=stage)
    DriftFunction(
        stack,
        "Drift",
        stage=stage,
        data=data,
        prompt=PromptParameters(
            stack,
            "Prompt",
            stage=stage,
            lock_table=data.results.table_name,
            models_bucket=data.learning.bucket_name,
        ),
        missed=MissedStarts(stack, "Missed"),
        layers=[code_layer(stack, "CoreLayer", stage=stage, folder=Path("layers/core"))],
        state_machine_arn=MACHINE,
    )
    template: dict[str, Any] = app.synth().get_stack_by_name("Stack").template
    found: dict[str, Any] = template["Resources"]
    return found


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [r["Properties"] for r in resources.values() if r["Type"] == kind]


def statements(resources: dict[str, Any]) -> dict[str, Any]:
    """Return the policy statements by their actions."""
    return {
        json.dumps(statement["Action"]): statement
        for policy in of_type(resources, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
    }


def test_the_function_may_read_counters_start_runs_and_write_only_its_figures(
    resources: dict[str, Any],
) -> None:
    granted = statements(resources)
    logs = ["logs:CreateLogStream", "logs:PutLogEvents"]
    tracing = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    assert {action for actions in granted for action in _list(json.loads(actions))} == {
        *("dynamodb:BatchGetItem", "dynamodb:Query", "ssm:GetParameter", "states:StartExecution"),
        *("dynamodb:PutItem", "lambda:InvokeFunction", *logs, *tracing),
        # For the queue of starts that failed.
        *("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"),
    }
    assert granted['"states:StartExecution"']["Resource"] == MACHINE
    written = granted['"dynamodb:PutItem"']["Condition"]
    assert written == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["DRIFT#*"]}}
    counters = granted['"dynamodb:BatchGetItem"']
    assert counters["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["DAY#*"]}}
    runs = granted['"dynamodb:Query"']
    assert runs["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["RUNS"]}}
    assert "DataResults" in json.dumps([counters["Resource"], runs["Resource"]])
    assert "/prompt/live" in json.dumps(granted['"ssm:GetParameter"']["Resource"])


def test_the_daily_schedule_may_invoke_this_function_only(
    resources: dict[str, Any],
) -> None:
    (schedule,) = of_type(resources, "AWS::Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "cron(30 0 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Etc/UTC"
    arn = schedule["Target"]["Arn"]
    assert statements(resources)['"lambda:InvokeFunction"']["Resource"] == arn


def test_the_schedule_sends_the_event_in_the_events_folder(resources: dict[str, Any]) -> None:
    (schedule,) = of_type(resources, "AWS::Scheduler::Schedule")
    sent = json.loads(schedule["Target"]["Input"])
    assert sent == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert sent.keys() == json.loads(Path("events/drift/daily.json").read_text("utf-8")).keys()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
