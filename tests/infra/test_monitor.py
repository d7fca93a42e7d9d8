"""The hourly check of quality and spending, in the synthesized stages."""

import json
from pathlib import Path
from typing import Any

from tests.infra.conftest import Synthesized


def granted(stage: Synthesized) -> dict[str, Any]:
    """Return the monitor's policy statements by action."""
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


def test_the_monitor_may_read_counters_and_versions_and_write_only_its_rollback_item(
    prod: Synthesized,
) -> None:
    found = granted(prod)
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    missed = {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"}
    tracing = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    items = {f"dynamodb:{name}Item" for name in ("BatchGet", "Get", "Put", "Delete")}
    items |= {"dynamodb:Query", "dynamodb:Scan"}
    assert found.keys() == logs | missed | tracing | items | {
        "ssm:GetParameterHistory",
        "lambda:InvokeFunction",
    }
    assert leading_keys(found["dynamodb:BatchGetItem"]) == ["DAY#*", "LEARNING#*", "KEY#*"]
    assert found["dynamodb:Scan"]["Resource"]["Fn::GetAtt"][0].startswith("DataKeys")
    for read in ("dynamodb:GetItem", "dynamodb:Query"):
        assert leading_keys(found[read]) == ["QUALITY#*"]
    for write in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
        assert leading_keys(found[write]) == ["QUALITY#ROLLBACK"]
    assert "/prompt/live" in json.dumps(found["ssm:GetParameterHistory"]["Resource"])


def test_the_hourly_schedule_may_invoke_the_monitor_only(prod: Synthesized) -> None:
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


def test_the_schedule_sends_the_event_in_the_events_folder(prod: Synthesized) -> None:
    sent = json.loads(schedule(prod)["Target"]["Input"])
    assert sent == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert sent.keys() == json.loads(Path("events/monitor/hourly.json").read_text("utf-8")).keys()


def test_the_monitor_outlasts_the_promoter_it_waits_for(prod: Synthesized) -> None:
    promoter, monitor = map(prod.function, ("LearningPromoter", "LearningMonitorFunction"))
    assert promoter["Timeout"] < 70 < monitor["Timeout"]  # 70: the read timeout of its client


def test_only_feedback_writes_the_quality_counters(prod: Synthesized) -> None:
    writers = [
        name.split("Role")[0]
        for name, statement in prod.statements()
        if "dynamodb:UpdateItem" in _list(statement["Action"]) and "QUALITY#" in str(statement)
    ]
    assert writers == ["Management"]


def test_the_promoter_may_record_rejections_and_notify(prod: Synthesized) -> None:
    promoter = [s for name, s in prod.statements() if name.startswith("LearningPromoter")]
    rejections = [leading_keys(s) for s in promoter if "QUALITY#" in str(s)]
    assert rejections == [["QUALITY#REJECTED"]]
    (told,) = [s["Resource"] for s in promoter if "sns:Publish" in _list(s["Action"])]
    assert told["Ref"].startswith("LearningRuns")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
