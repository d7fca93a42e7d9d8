"""`GET /v1/learning`: the budget, the next run, missing rows, drift and drops of quality."""

from datetime import UTC, date, datetime, timedelta
from typing import cast

import boto3

from route_switch.adapters.learning.dynamodb_drift import DynamoDbDriftDays
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.prompts.dynamodb_quality import (
    REJECTED_PK,
    DynamoDbQuality,
    DynamoDbRejections,
)
from route_switch.adapters.results_table import cap_key, day_key, item_key, learning_counter
from route_switch.domain.learning.drift import Difference, Drift, DriftDay
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.prompts.rollback import Rejection, RollbackOrder
from tests.integration.conftest import ADMIN_KEY, Api, MakeApi

DRIFT = Drift(500, Difference(0.2, 0.0001), Difference(0.01, 1e-200))
CALM = Drift(500, Difference(0.01, 0.9), Difference(0.01, 0.8))


def shown(api: Api) -> dict[str, object]:
    answer = api("GET", "/v1/learning", key=ADMIN_KEY)
    assert answer.status == 200, answer.text
    return answer.body


def part(api: Api, name: str) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", shown(api)[name])


def test_a_new_stage_says_why_it_knows_little(make_api: MakeApi) -> None:
    found = shown(make_api(text_storage="full"))
    assert (found["drift"], found["quality_drop"], found["spent_usd"]) == ([], [], 0)
    assert (found["budget_usd"], found["remaining_usd"]) == (25, 25)
    assert datetime.fromisoformat(str(found["next_run_at"])) > datetime.now(UTC)
    rows = cast("dict[str, object]", found["rows"])
    assert (rows["replayable"], rows["needed_for_promise"]) == (0, None)
    assert (rows["needed_for_verdict"], rows["verdict_unit"]) == (300, "requests")
    [note] = cast("list[str]", found["notes"])
    assert "No drift was measured yet" in note


def test_without_texts_or_with_learning_off_the_notes_say_so(make_api: MakeApi) -> None:
    api = make_api(text_storage="none")
    api("PATCH", "/v1/switches", {"learning": "off"}, ADMIN_KEY)
    found = shown(api)
    assert found["next_run_at"] is None
    assert "Learning is off" in str(found["notes"])
    assert "text_storage is 'none'" in str(found["notes"])


def test_money_and_rows_come_from_the_counters(api: Api) -> None:
    today, dynamodb = datetime.now(UTC).date(), boto3.client("dynamodb")
    spent = {**cap_key(f"{today:%Y-%m}"), "taken_usd": {"N": "3.5"}}
    dynamodb.put_item(TableName="results", Item=spent)
    for day, n in ((today, 40), (today - timedelta(days=27), 2), (today - timedelta(days=28), 9)):
        counted = {**day_key(day, 3), learning_counter(None): {"N": str(n)}}
        dynamodb.put_item(TableName="results", Item=counted)
    found = shown(api)
    assert (found["spent_usd"], found["remaining_usd"]) == (3.5, 21.5)
    assert cast("dict[str, object]", found["rows"])["replayable"] == 42


def test_drift_is_a_time_line_with_the_newest_last(api: Api) -> None:
    days = DynamoDbDriftDays(boto3.client("dynamodb"), "results")
    for n in range(95, 0, -1):
        day = date(2026, 11, 29) - timedelta(days=n)
        days.put(DriftDay(day, "live@3", CALM))
    days.put(DriftDay(date(2026, 11, 29), "live@4", CALM))
    days.put(DriftDay(date(2026, 11, 29), "live@4", DRIFT))
    found = part(api, "drift")
    assert len(found) == 90
    assert found[-1] == {
        "day": "2026-11-29",
        "prompt_version": "live@4",
        "requests": 500,
        "tiers_distance": 0.2,
        "tiers_p_value": 0.0001,
        "lengths_distance": 0.01,
        "lengths_p_value": 0,
        "drifted": True,
    }
    assert [each["drifted"] for each in found[:-1]] == [False] * 89


def test_quality_drops_are_in_order_with_what_followed(api: Api) -> None:
    dynamodb, ssm = boto3.client("dynamodb"), boto3.client("ssm")
    for text in ("", "\n", "\n\n"):
        document = to_markdown(packaged_prompt()) + text
        ssm.put_parameter(Name="/test/prompt/live", Value=document, Type="String", Overwrite=True)
    old = {**item_key(REJECTED_PK, "abc"), "version": {"N": "2"}, "because": {"S": "worse"}}
    dynamodb.put_item(TableName="results", Item=old)  # as an earlier release wrote it
    DynamoDbRejections(dynamodb, "results").add("def", Rejection(7, "rated 0.4"))
    quality = DynamoDbQuality(dynamodb, "results")
    quality.put_asked("live@8")
    assert quality.asked("live@8")
    quality.put_pending(RollbackOrder(from_version=9, to_version=8, because="rated 0.2"))
    found = part(api, "quality_drop")
    assert [(each["prompt_version"], each["state"]) for each in found] == [
        ("live@9", "rolling_back"),
        ("live@7", "rolled_back"),
        ("live@8", "asked"),
        ("live@2", "rolled_back"),
    ]
    assert found[0]["at"] is None
    times = [datetime.fromisoformat(str(each["at"])) for each in found[1:]]
    assert times == sorted(times)
    [*_, third] = ssm.get_parameter_history(Name="/test/prompt/live")["Parameters"]
    assert times[-1] == third["LastModifiedDate"], "the version after the one rolled back"
    assert found[1]["message"] == "rated 0.4"
