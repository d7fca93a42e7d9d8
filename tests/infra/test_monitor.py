"""The hourly look at quality and spending, in the synthesized stages."""

import json
from pathlib import Path
from typing import Any

from tests.infra.conftest import Synthesized


def granted(stage: Synthesized) -> dict[str, Any]:
    """What the monitor's function may do, by action."""
    return {
        action: statement
        for name, statement in stage.statements()
        if name.startswith("LearningMonitorRole")
        for action in _list(statement["Action"])
    }


def schedule(stage: Synthesized) -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        resource["Properties"]
        for name, resource in stage.resources("AWS::Scheduler::Schedule").items()
        if name.startswith("LearningMonitor")
    ]
    (hourly,) = found
    return hourly


def leading_keys(statement: dict[str, Any]) -> list[str]:
    keys: list[str] = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return keys


def test_it_reads_counters_and_versions_and_writes_its_note_alone(prod: Synthesized) -> None:
    found = granted(prod)
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    missed = {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"}
    tracing = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    items = {f"dynamodb:{name}Item" for name in ("BatchGet", "Get", "Put", "Delete")}
    assert found.keys() == logs | missed | tracing | items | {
        "ssm:GetParameterHistory",
        "lambda:InvokeFunction",
    }
    assert leading_keys(found["dynamodb:BatchGetItem"]) == ["DAY#*", "LEARNING#*"]
    assert leading_keys(found["dynamodb:GetItem"]) == ["QUALITY#*"]
    for write in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
        assert leading_keys(found[write]) == ["QUALITY#ROLLBACK"]
    assert "/prompt/live" in json.dumps(found["ssm:GetParameterHistory"]["Resource"])


def test_every_hour_its_schedule_invokes_it_and_nothing_else(prod: Synthesized) -> None:
    hourly = schedule(prod)
    assert hourly["ScheduleExpression"] == "cron(0 * * * ? *)"
    assert hourly["ScheduleExpressionTimezone"] == "Etc/UTC"
    (invoked,) = [
        statement["Resource"]
        for name, statement in prod.statements()
        if name.startswith("LearningMonitorScheduleRole")
        and statement["Action"] == "lambda:InvokeFunction"
    ]
    assert invoked == hourly["Target"]["Arn"]
    assert invoked["Fn::GetAtt"][0].startswith("LearningMonitorFunction")


def test_its_event_is_the_one_in_events(prod: Synthesized) -> None:
    sent = json.loads(schedule(prod)["Target"]["Input"])
    assert sent == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert sent.keys() == json.loads(Path("events/monitor/hourly.json").read_text("utf-8")).keys()


def test_it_waits_for_the_promoter(prod: Synthesized) -> None:
    promoter, monitor = map(prod.function, ("LearningPromoter", "LearningMonitorFunction"))
    assert promoter["Timeout"] < 70 < monitor["Timeout"]  # 70: the read timeout of its client


def test_the_counters_of_quality_are_written_by_feedback_alone(prod: Synthesized) -> None:
    writers = [
        name.split("Role")[0]
        for name, statement in prod.statements()
        if "dynamodb:UpdateItem" in _list(statement["Action"]) and "QUALITY#" in str(statement)
    ]
    assert writers == ["Management"]


def test_the_promoter_notes_rejections_and_tells_of_them(prod: Synthesized) -> None:
    promoter = [s for name, s in prod.statements() if name.startswith("LearningPromoter")]
    rejections = [leading_keys(s) for s in promoter if "QUALITY#" in str(s)]
    assert rejections == [["QUALITY#REJECTED"]]
    (told,) = [s["Resource"] for s in promoter if "sns:Publish" in _list(s["Action"])]
    assert told["Ref"].startswith("LearningRuns")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
