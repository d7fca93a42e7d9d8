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


def partitions(stage: Synthesized, action: str) -> set[str]:
    """Return the partitions of the results table on which the monitor may do this."""
    return {
        partition
        for name, statement in stage.statements()
        if name.startswith("LearningMonitorRole")
        and f"dynamodb:{action}" in _list(statement["Action"])
        and "DataResults" in json.dumps(statement["Resource"])
        for partition in leading_keys(statement)
    }


def leading_keys(statement: dict[str, Any]) -> list[str]:
    keys: list[str] = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return keys


def test_the_monitor_may_write_only_the_end_of_the_upgrade_limit_of_a_key(
    prod: Synthesized,
) -> None:
    [update] = [
        statement
        for name, statement in prod.statements()
        if name.startswith("LearningMonitorRole")
        and "dynamodb:UpdateItem" in _list(statement["Action"])
        and "DataKeys" in json.dumps(statement["Resource"])
    ]
    assert update["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "upgrades_limited_until"]}
    }


def test_the_monitor_may_read_counters_and_versions_and_write_rollbacks_and_accounts(
    prod: Synthesized,
) -> None:
    found = granted(prod)
    logs = {"logs:CreateLogStream", "logs:PutLogEvents", "logs:FilterLogEvents"}
    missed = {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"}
    lost = {"sqs:ReceiveMessage", "sqs:DeleteMessage"}
    tracing = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    kinds = ("BatchGet", "ConditionCheck", "Get", "Put", "Delete", "Update")
    items = {f"dynamodb:{name}Item" for name in kinds} | {"dynamodb:Query", "dynamodb:Scan"}
    assert found.keys() == logs | missed | lost | tracing | items | {
        "ssm:GetParameterHistory",
        "lambda:InvokeFunction",
    }
    assert found["dynamodb:Scan"]["Resource"]["Fn::GetAtt"][0].startswith("DataKeys")
    assert partitions(prod, "GetItem") == partitions(prod, "Query") == {"QUALITY#*"}
    assert partitions(prod, "DeleteItem") == {"QUALITY#ROLLBACK"}
    assert partitions(prod, "PutItem") == {
        "AUDIT#*",
        "QUALITY#ROLLBACK",
        "RESULT#*",
        "TIME#*",
        "REJECTED",
    }
    assert partitions(prod, "UpdateItem") == {"DAY#*", "KEY#*", "BUDGET#*"}
    assert partitions(prod, "ConditionCheckItem") == {"COUNTED#*"}
    assert "/prompt/live" in json.dumps(found["ssm:GetParameterHistory"]["Resource"])


def test_the_monitor_may_read_whether_requests_are_recorded_but_no_texts(
    prod: Synthesized,
) -> None:
    reads = [
        statement["Condition"]
        for name, statement in prod.statements()
        if name.startswith("LearningMonitorRole")
        and "dynamodb:BatchGetItem" in _list(statement["Action"])
    ]
    whole = [each for each in reads if "ForAllValues:StringEquals" not in each]
    [some] = [each for each in reads if each not in whole]
    assert [each["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for each in whole] == [
        ["DAY#*", "LEARNING#*", "KEY#*"],
        ["BUDGET#*"],
    ]
    assert some == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["RESULT#*", "COUNTED#*"]},
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk"]},
        "StringEqualsIfExists": {"dynamodb:Select": ["SPECIFIC_ATTRIBUTES"]},
    }


def test_the_monitor_reads_the_router_s_log_and_empties_the_queue_of_records_only(
    prod: Synthesized,
) -> None:
    found = granted(prod)
    read = found["logs:FilterLogEvents"]["Resource"]["Fn::GetAtt"][0]
    assert read.startswith("RouterLogs")
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
        assert found[action]["Resource"]["Fn::GetAtt"][0].startswith("DataRecords")


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
    quality = [s for s in promoter if "QUALITY#" in str(s)]
    writes = [leading_keys(s) for s in quality if _list(s["Action"]) != ["dynamodb:GetItem"]]
    assert writes == [["QUALITY#REJECTED"]]
    (told,) = [s["Resource"] for s in promoter if "sns:Publish" in _list(s["Action"])]
    assert told["Ref"].startswith("LearningRuns")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
