"""The drift function against moto, on counters that the router's own store wrote."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import boto3
import pytest

from functions.drift import handler
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.learning.dynamodb_drift import DynamoDbDriftDays
from route_switch.adapters.learning.dynamodb_learning import DynamoDbRoutedDays
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.results_table import SHARDS, day_key, routed_counters
from route_switch.domain.decision import Reason
from route_switch.domain.errors import StoreError
from route_switch.domain.learning.drift import Prediction, RoutedDay, as_provenance
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.request_record import NotReplayable
from route_switch.domain.tiers import Tier
from route_switch.wiring.scheduled import check_drift, drift_days
from tests.integration.conftest import CLIENT_KEY, LONG, SMALL_ONLY_KEY, Api, MakeApi, by_model
from tests.support.context import FakeContext
from tests.support.records import answered
from tests.support.upstream import completion, failure

if TYPE_CHECKING:
    from route_switch.domain.ports import TextStore

FAR = 4_000_000_000
EVENT = cast(
    "handler.ScheduledEvent", json.loads(Path("events/drift/daily.json").read_text("utf-8"))
)
YESTERDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
PREDICTION = Prediction(1000, (0.5, 0.3, 0.2), (0.1, 0.4, 0.3, 0.15, 0.05))
STATES = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}


@pytest.fixture
def state_machine(results_table: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    prompt = packaged_prompt()
    document = to_markdown(
        prompt.model_copy(update={"provenance": as_provenance(PREDICTION, prompt)})
    )
    boto3.client("ssm").put_parameter(Name="/test/prompt/live", Value=document, Type="String")
    arn = boto3.client("stepfunctions").create_state_machine(
        name="learning",
        definition=json.dumps(STATES),
        roleArn="arn:aws:iam::123456789012:role/learning",
    )["stateMachineArn"]
    for name, value in {
        "RESULTS_TABLE": results_table,
        "LIVE_PROMPT_PARAMETER": "/test/prompt/live",
        "SEED_PROMPT_PARAMETER": "/test/prompt/seed",
        "STATE_MACHINE_ARN": arn,
        "SWITCHES_PARAMETER": "/test/switches",
    }.items():
        monkeypatch.setenv(name, value)
    check_drift.cache_clear()
    drift_days.cache_clear()
    yield arn
    check_drift.cache_clear()
    drift_days.cache_clear()


def count(day: datetime, *tiers: int) -> None:
    """Store what a day's requests add up to, spread over two shards."""
    requests = sum(tiers)
    lengths = [int(requests * share) for share in PREDICTION.lengths]
    by_tier, by_length = routed_counters("live@1")
    totals = {
        **dict(zip(by_tier, tiers, strict=True)),
        **dict(zip(by_length, lengths, strict=True)),
    }
    for shard, part in ((0, 1), (SHARDS - 1, 0)):
        halves = {
            name: {"N": str(total // 2 + part * (total % 2))} for name, total in totals.items()
        }
        boto3.client("dynamodb").put_item(
            TableName="results", Item={**day_key(day.date(), shard), **halves}
        )


def look() -> str:
    return str(handler.lambda_handler(EVENT, FakeContext())["outcome"])


def executions(arn: str) -> list[dict[str, str]]:
    client = boto3.client("stepfunctions")
    found = client.list_executions(stateMachineArn=arn)["executions"]
    return [
        json.loads(client.describe_execution(executionArn=each["executionArn"])["input"])
        for each in found
    ]


def test_a_shift_starts_one_run_however_often_the_event_is_delivered(
    state_machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    count(YESTERDAY, 300, 180, 520)
    assert look() == "run started"
    # The first run may still be in progress or have ended; either way it is the only one.
    assert look() in ("run started", "run started before")
    (started,) = executions(state_machine)
    assert started["scheduled_time"] == "2026-11-22T00:00:00Z"
    assert started["trigger"] == "drift"
    assert started["reason"].startswith("drift-live-1-")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert lines[0]["drift_tiers_distance"] == [pytest.approx(0.32)]
    assert lines[0]["drift_requests"] == [1000.0]
    assert lines[0]["prompt_version"] == "live@1"
    [kept] = DynamoDbDriftDays(boto3.client("dynamodb"), "results").newest(10)
    assert (kept.day, kept.prompt_version) == (YESTERDAY.date(), "live@1")
    assert (kept.drift.requests, kept.drift.is_found) == (1000, True)
    assert kept.drift.tiers.distance == pytest.approx(0.32)


def test_a_time_line_that_cannot_be_written_does_not_fail_the_check(
    state_machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("The results table is unavailable.")

    monkeypatch.setattr(DynamoDbDriftDays, "put", fail)
    count(YESTERDAY, 300, 180, 520)
    assert look() == "run started"


def test_while_learning_is_off_no_run_is_started(state_machine: str) -> None:
    boto3.client("ssm").put_parameter(
        Name="/test/switches", Value='{"learning": "off"}', Type="String"
    )
    count(YESTERDAY, 300, 180, 520)
    assert look() == "learning off"
    assert executions(state_machine) == []


def test_traffic_as_predicted_starts_no_run(state_machine: str) -> None:
    count(YESTERDAY, 510, 295, 195)
    assert look() == "no drift"
    assert executions(state_machine) == []


def test_missing_and_old_totals_count_as_too_few_requests(state_machine: str) -> None:
    assert look() == "too few requests"
    count(YESTERDAY - timedelta(days=7), 0, 0, 1000)
    assert look() == "too few requests"


def test_a_prompt_edited_by_hand_has_no_prediction(state_machine: str) -> None:
    count(YESTERDAY, 300, 180, 520)
    client = boto3.client("ssm")
    document = client.get_parameter(Name="/test/prompt/live")["Parameter"]["Value"]
    edited = document.replace("small talk", "a haiku")
    assert edited != document
    client.put_parameter(Name="/test/prompt/live", Value=edited, Type="String", Overwrite=True)
    assert look() == "no prediction"
    assert executions(state_machine) == []


def test_a_missing_live_prompt_has_no_prediction(state_machine: str) -> None:
    boto3.client("ssm").delete_parameter(Name="/test/prompt/live")
    assert look() == "no prediction"


def test_requests_that_learning_samples_are_counted_by_the_routed_tier(results_table: str) -> None:
    client = boto3.client("dynamodb")
    store = DynamoDbResultStore(client, results_table, cast("TextStore", None))
    routed = replace(answered("r0", "q", YESTERDAY), query_tokens=40, routed_tier=Tier.LARGE)
    overridden = replace(routed, reason=Reason.OVERRIDE, replay=None, routed_tier=None)
    for number, record in enumerate(
        (
            routed,
            replace(routed, tier=Tier.MEDIUM, reason=Reason.DEGRADED),  # a fallback answered
            replace(routed, routed_tier=None, reason=Reason.FALLBACK),  # the router was down
            replace(routed, prompt_version="live@2"),
            replace(routed, replay=NotReplayable.ATTACHMENTS),
            overridden,
        )
    ):
        store.save(replace(record, request_id=f"r{number}"), FAR)
    days = DynamoDbRoutedDays(client, results_table)
    assert days.routed(YESTERDAY.date(), "live@1") == RoutedDay((0, 0, 2), (0, 0, 3, 0, 0))
    assert days.routed(YESTERDAY.date(), "live@2") == RoutedDay((0, 0, 1), (0, 0, 1, 0, 0))


@pytest.fixture
def patient_api(make_api: MakeApi) -> Api:
    """An API with long timeouts: its first call loads a provider's library, which takes long on a
    busy machine."""
    return make_api(router_timeout_s=10, request_deadline_s=20)


def routed_today(api: Api) -> RoutedDay:
    """Counts of whichever prompt was served. A test's requests may fall on both sides of
    midnight."""
    version = str(api.chat(LONG).headers["x-route-prompt-version"])
    days = DynamoDbRoutedDays(boto3.client("dynamodb"), "results")
    now = datetime.now(UTC).date()
    return days.routed(now, version) + days.routed(now - timedelta(days=1), version)


def test_a_keys_own_tiers_do_not_look_like_a_shift(patient_api: Api) -> None:
    api = patient_api
    api.upstream.script = by_model(
        router=completion("3"), small=completion("Yes."), large=completion("Yes.")
    )
    api.chat(LONG, SMALL_ONLY_KEY)
    assert routed_today(api).tiers == (0, 0, 2)


def test_a_failed_router_leaves_only_a_length_and_a_nonsense_reply_the_safe_tier(
    patient_api: Api,
) -> None:
    api = patient_api
    api.upstream.script = by_model(router=failure(500), medium=completion("Yes."))
    api.chat(LONG)
    api.upstream.script = by_model(router=failure(400), medium=completion("Yes."))
    api.chat(LONG, CLIENT_KEY)
    api.upstream.script = by_model(router=completion("Well…"), medium=completion("Yes."))
    assert routed_today(api) == RoutedDay((0, 2, 0), (0, 3, 0, 0, 0))
