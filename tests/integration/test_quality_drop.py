"""Monitor and promoter against moto: a prompt that people rate lower is rolled back."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import boto3
import pytest

from functions.monitor import handler as monitor
from functions.promote import handler as promoter
from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.operations.owned_keys import KeysTable
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbQuality
from route_switch.adapters.results_table import cap_key, day_key, month_key, quality_key
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import InvocationError
from route_switch.domain.lost_record import lost_record_as_json
from route_switch.domain.operations.stored_keys import StoredKey
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.wiring import scheduled
from route_switch.wiring.learning import read_learning_settings
from tests.integration.conftest import CATALOG
from tests.support.context import FakeContext
from tests.support.in_process import run_in_process
from tests.support.local_models import with_local_model
from tests.support.records import answered

LIVE = "/test/prompt/live"
RUN: JsonObject = {
    "id": "2026-11-22T030000Z",
    "month": "2026-11",
    "trigger": "schedule",
    "cap_usd": 1.0,
}


def prompt(word: str, **provenance: str) -> RoutingPrompt:
    base = packaged_prompt()
    changed = {"instruction": f"{base.instruction}\n\n{word}", "provenance": provenance}
    return base.model_copy(update=changed)


A, B, C = (to_markdown(prompt(word)) for word in "abc")


@pytest.fixture
def queue(results_table: str, keys_table: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Receives the notifications."""
    place = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3").create_bucket(Bucket="learning", CreateBucketConfiguration=place)
    topic = boto3.client("sns").create_topic(Name="runs")["TopicArn"]
    url = boto3.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    boto3.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:123456789012:told"
    )
    for name, value in {
        "STAGE": "dev",
        "ROUTE_SWITCH_CONFIG": json.dumps({"models": CATALOG.model_dump(mode="json")}),
        "LEARNING_CONFIG": "{}",
        "RESULTS_TABLE": results_table,
        "KEYS_TABLE": keys_table,
        "TEXTS_BUCKET": "texts",
        "LEARNING_BUCKET": "learning",
        "RUNS_TOPIC": topic,
        "LIVE_PROMPT_PARAMETER": LIVE,
        "SEED_PROMPT_PARAMETER": "/test/prompt/seed",
        "SWITCHES_PARAMETER": "/test/switches",
        "PROMOTER_FUNCTION": "promoter",
        "RECORDS_QUEUE_URL": boto3.client("sqs").create_queue(QueueName="records")["QueueUrl"],
        "RETENTION_DAYS": "90",
        "ROUTER_LOG_GROUP": "/stage/router",
    }.items():
        monkeypatch.setenv(name, value)
    run_in_process(monkeypatch, {"promoter": promoter.lambda_handler})
    _forget()
    publish(A)
    publish(B)
    rate("live@1", 180, 20)
    yield url
    _forget()


def _forget() -> None:
    for cache in (
        read_learning_settings,
        promoter.wiring,
        scheduled.check_quality,
        scheduled.totals,
        scheduled.keys,
        scheduled.replay_records,
        scheduled.lost_records,
        scheduled.settle_budgets,
    ):
        cache.cache_clear()


def publish(document: str) -> None:
    boto3.client("ssm").put_parameter(
        Name=LIVE, Value=document, Type="String", Overwrite=True, Tier="Advanced"
    )


def live() -> tuple[int, str]:
    found = boto3.client("ssm").get_parameter(Name=LIVE)["Parameter"]
    return found["Version"], found["Value"]


def rate(version: str, ups: int, downs: int) -> None:
    """Let four keys rate alike."""
    for client, share in ((None, 1), *((f"key_{n}", 4) for n in range(4))):
        put_scores(version, client, ups / share, downs / share)


def put_scores(version: str, client: str | None, ups: float, downs: float) -> None:
    sums = {"n": ups + downs, "total": ups, "total_squares": ups}
    values = {name: {"N": str(sum_)} for name, sum_ in sums.items()}
    item = {**quality_key(version, client), **values}
    boto3.client("dynamodb").put_item(TableName="results", Item=cast("Any", item))


class InTime(FakeContext):
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 300_000


def look(now: datetime | None = None) -> str:
    event = {"scheduled_time": f"{now or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    return str(monitor.lambda_handler(cast("monitor.ScheduledEvent", event), InTime())["outcome"])


def told(queue: str) -> list[dict[str, str]]:
    found = []
    sqs = boto3.client("sqs")
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the metrics since the last call."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    return {
        metric["Name"]: line[metric["Name"]][0]
        for line in lines
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def order(**changes: object) -> JsonObject:
    asked: JsonObject = {
        "step": "rollback",
        "from_version": 2,
        "to_version": 1,
        "because": "people say so.",
    }
    return {**asked, **cast("JsonObject", changes)}


def roll_back(**changes: object) -> JsonObject:
    return promoter.lambda_handler(order(**changes), FakeContext())


def test_thirty_thumbs_of_one_key_roll_nothing_back_but_a_person_is_asked(queue: str) -> None:
    for client in (None, "key_loud"):
        put_scores("live@2", client, 0, 30)
    assert [look(), look()] == ["one client"] * 2
    assert live() == (2, B)
    (message,) = told(queue)
    assert message["Subject"] == "route-switch dev: roll back prompt version 2?"
    assert "without the ratings of key_loud, no drop can be shown" in message["Message"]
    assert "route-switch prompt rollback --to 1 --stage dev" in message["Message"]
    assert "QUALITY#REJECTED" not in str(boto3.client("dynamodb").scan(TableName="results"))


def test_a_key_that_the_owner_trusts_rolls_back_alone(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTED_KEYS", "key_other key_loud")
    for client in (None, "key_loud"):
        put_scores("live@2", client, 0, 30)
    assert look() == "rolled back"
    assert live() == (3, A)


def test_scores_of_an_earlier_release_are_one_client(queue: str) -> None:
    put_scores("live@2", None, 120, 80)
    assert look() == "one client"
    assert "without the ratings of earlier releases" in told(queue)[0]["Message"]


def test_a_lower_rated_prompt_is_rolled_back_once_with_a_notification(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rate("live@2", 120, 80)
    assert look() == "rolled back"
    assert live() == (3, A)
    metrics = counted(capsys)
    assert (metrics["quality_dropped"], metrics["rollbacks"]) == (1.0, 1.0)
    assert metrics["prompt_quality"] == 0.6
    (message,) = told(queue)
    assert message["Subject"] == "route-switch dev: prompt version 2 was rolled back"
    assert message["Message"].startswith("In the last 7 days, there were no requests")
    for said in (
        "People rated the answers of prompt version 2 lower, so version 3 is live, with the "
        "content of version 1;",
        "0.60 on average (n = 200), compared with 0.90 for version 1 (n = 200)",
        "Version 3 is live now, with the content of version 1.",
        "route-switch prompt rollback --to 2 --stage dev",
    ):
        assert said in message["Message"]

    assert look() == "returned"
    assert live() == (3, A)
    assert told(queue) == []
    assert counted(capsys)["quality_dropped"] == 0.0


def test_an_equally_rated_prompt_stays(queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    rate("live@2", 178, 22)
    assert look() == "no drop"
    assert live() == (2, B)
    metrics = counted(capsys)
    assert (metrics["quality_dropped"], metrics["prompt_quality"]) == (0.0, 0.89)
    assert told(queue) == []


def test_without_feedback_only_spending_metrics_are_emitted(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dynamodb = boto3.client("dynamodb")
    days = {(datetime(2026, 11, day, tzinfo=UTC), shard) for day in (12, 13) for shard in (0, 7)}
    for day, shard in days:
        item = {**day_key(day.date(), shard), "cost_usd:tier:1": {"N": "1.5"}}
        dynamodb.put_item(TableName="results", Item=cast("Any", item))
    spent = {**cap_key("2026-11"), "run:2026-11-13T030000Z": {"N": "2"}}
    dynamodb.put_item(TableName="results", Item=cast("Any", spent))
    assert look(datetime(2026, 11, 14, tzinfo=UTC)) == "too few"
    metrics = counted(capsys)
    assert metrics == {
        "month_usd": 8.0,
        "projected_month_usd": 8.0 + 17 * 4.0,
        "quality_dropped": 0.0,
        "keys_above_upgrades": 0.0,
        "keys_above_bypassed": 0.0,
    }


def test_a_key_whose_requests_go_up_more_often_is_counted_and_named(
    queue: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    table = KeysTable(boto3.client("dynamodb"), "keys")
    for key_id, upgrades in (("key_a", 600), ("key_b", 100)):
        table.add(ApiKey(key_id, f"name of {key_id}", "client"), key_id, "2026-11-01")
        item = {
            **month_key(key_id, "2026-11", 3),
            "routed:1": {"N": str(1000 - upgrades)},
            "routed:3": {"N": str(upgrades)},
        }
        boto3.client("dynamodb").put_item(TableName="results", Item=cast("Any", item))
    look(datetime(2026, 11, 14, tzinfo=UTC))
    assert counted(capsys)["keys_above_upgrades"] == 1.0
    [warning] = [vars(each) for each in caplog.records if each.levelname == "WARNING"]
    assert (warning["key_id"], warning["key_name"]) == ("key_a", "name of key_a")
    assert warning["share"] == {"hits": 600, "n": 1000}


def test_a_key_above_its_cap_is_limited_until_its_share_is_back(
    queue: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(upgrades: int, others: int) -> None:
        item = {
            **month_key("key_b", "2026-11", 3),
            "routed:1": {"N": str(others)},
            "routed:3": {"N": str(upgrades)},
        }
        boto3.client("dynamodb").put_item(TableName="results", Item=cast("Any", item))

    def limits(hour: int) -> list[datetime | None]:
        look(datetime(2026, 11, 14, hour, tzinfo=UTC))
        return [each.key.upgrades_limited_until for each in table.all()]

    table = KeysTable(boto3.client("dynamodb"), "keys")
    monkeypatch.setenv("MAX_UPGRADE_SHARE", "0.3")
    table.add(ApiKey("key_a", "exempt", "client", max_upgrade_share=1), "a", "2026-11-01")
    table.add(ApiKey("key_b", "chat", "client"), "b", "2026-11-01")
    count(30, 70)
    assert limits(1) == [None, None]
    assert counted(capsys)["keys_above_upgrades"] == 0.0
    count(90, 60)
    assert limits(2) == [None, datetime(2026, 11, 14, 5, tzinfo=UTC)]
    assert counted(capsys)["keys_above_upgrades"] == 1.0
    count(90, 209)
    assert limits(3) == [None, datetime(2026, 11, 14, 6, tzinfo=UTC)]
    count(90, 210)
    assert limits(4) == [None, None]
    began, ended = DynamoDbAudit(boto3.client("dynamodb"), "results").of_month("2026-11")
    assert {began.by, ended.by} == {"route-switch: the hourly check"}
    assert [(each.change.action, each.change.subject, each.at.hour) for each in (began, ended)] == [
        ("limit upgrades", "key_b", 2),
        ("end limit of upgrades", "key_b", 4),
    ]
    assert began.change.after == "at most Tier 2: the router sent 90 of 150 requests to Tier 3"


def test_queued_records_and_leftover_reservations_are_handled_every_hour(
    queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody has to run `records replay`, and no log is read where nothing is left over."""
    record = replace(answered("a", "hello", datetime.now(UTC)), key_id="key_a")
    boto3.client("sqs").send_message(
        QueueUrl=os.environ["RECORDS_QUEUE_URL"],
        MessageBody=json.dumps(lost_record_as_json(record)),
    )
    table = KeysTable(boto3.client("dynamodb"), "keys")
    table.add(ApiKey("key_a", "team", "client", monthly_budget_usd=5), "a", "2026-11-01")
    limits, now = DynamoDbKeyLimits(boto3.client("dynamodb"), "results"), datetime.now(UTC)
    assert limits.reserve("key_a", now, 0.5, 5.0)
    look(now)
    boto3.client("logs").create_log_group(logGroupName="/stage/router")
    look(now + timedelta(hours=2))
    [item] = [
        item
        for item in boto3.client("dynamodb").scan(TableName="results")["Items"]
        if item["pk"]["S"].startswith("BUDGET#")
    ]
    assert float(item["taken_usd"]["N"]) == pytest.approx(record.cost_usd)
    [settled] = [vars(each) for each in caplog.records if "settled" in each.getMessage()]
    assert (settled["key_id"], settled["reserved_usd"]) == ("key_a", 0.5)


def test_the_metrics_are_written_before_the_accounts_are_settled_which_may_take_long(
    queue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = []

    def killed() -> None:
        written.append(capsys.readouterr().out)
        raise SystemExit

    monkeypatch.setattr(monitor, "replay_records", killed)
    with pytest.raises(SystemExit):
        look()
    assert '"projected_month_usd"' in written[0]
    assert '"keys_above_upgrades"' in written[0]
    assert '"projected_month_usd"' not in capsys.readouterr().out, "once"


def test_the_table_of_keys_is_scanned_once_an_hour(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans, all_keys = [], KeysTable.all

    def counted_scan(table: KeysTable) -> list[StoredKey]:
        scans.append(table)
        return all_keys(table)

    monkeypatch.setattr(KeysTable, "all", counted_scan)
    look()
    assert len(scans) == 1


def test_a_failure_to_read_spending_does_not_prevent_a_rollback(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("The totals are broken.")

    rate("live@2", 120, 80)
    monkeypatch.setattr(monitor, "spend_pace", fail)
    with pytest.raises(RuntimeError, match="totals"):
        look()
    assert live() == (3, A)


def test_while_the_prompt_is_locked_the_order_stays_pending(queue: str) -> None:
    lock = {"pk": {"S": "LOCK#prompt"}, "sk": {"S": "LOCK"}, "expires_at": {"N": "4000000000"}}
    dynamodb = boto3.client("dynamodb")
    dynamodb.put_item(TableName="results", Item=cast("Any", lock))
    rate("live@2", 120, 80)
    with pytest.raises(InvocationError, match="PromptLockedError"):
        look()
    assert live() == (2, B)
    key = {"pk": {"S": "LOCK#prompt"}, "sk": {"S": "LOCK"}}
    dynamodb.delete_item(TableName="results", Key=cast("Any", key))
    assert look() == "rolled back"
    assert live() == (3, A)
    assert len(told(queue)) == 1
    assert DynamoDbQuality(dynamodb, "results").pending() is None


def test_a_rollback_that_crashed_after_publishing_is_completed_even_after_another_change(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(A)  # all that the first try accomplished
    publish(C)
    answer = roll_back()
    assert answer == {"version": 3, "new": False, "why": None}
    assert live() == (4, C)
    assert len(told(queue)) == 1
    assert roll_back() == answer
    assert told(queue) == []
    assert "rollbacks" not in counted(capsys)


def test_a_prompt_that_was_replaced_meanwhile_is_left_unchanged(queue: str) -> None:
    publish(C)
    answer = roll_back()
    assert (answer["version"], answer["new"]) == (None, False)
    assert "but version 3 is live" in str(answer["why"])
    assert live() == (3, C)
    assert told(queue) == []


def test_a_missing_version_cannot_be_rolled_back_to(queue: str) -> None:
    """This is a valid reply, so the order is cleared and later drops are still found."""
    answer = roll_back(to_version=9)
    assert answer["version"] is None
    assert "Version 9 of the prompt no longer exists" in str(answer["why"])
    assert live() == (2, B)


def test_a_version_whose_local_model_is_gone_cannot_be_rolled_back_to_and_a_person_is_told(
    queue: str,
) -> None:
    publish(to_markdown(with_local_model(packaged_prompt())))
    publish(C)
    answer = roll_back(from_version=4, to_version=3)
    assert answer["version"] is None
    assert live() == (4, C)
    (message,) = told(queue)
    assert message["Subject"] == "route-switch dev: prompt version 4 needs a rollback"
    assert "whose numbers are not stored" in message["Message"]


def test_a_rollback_happens_even_while_learning_is_off(queue: str) -> None:
    boto3.client("ssm").put_parameter(
        Name="/test/switches", Value='{"learning": "off"}', Type="String"
    )
    rate("live@2", 120, 80)
    assert look() == "rolled back"
    assert live() == (3, A)


def test_a_rolled_back_prompt_can_be_promoted_by_a_person_but_not_by_a_run(queue: str) -> None:
    rate("live@2", 120, 80)
    look()
    again = prompt("b", verdict="better", incumbent=prompt("a").version, found_on="a week later")
    boto3.client("s3").put_object(
        Bucket="learning", Key=f"runs/{RUN['id']}/candidate.json", Body=to_json(again).encode()
    )
    promoted = promoter.lambda_handler({"step": "promote", "state": {"run": RUN}}, FakeContext())
    assert promoted["promoted"] is False
    assert "It is the same prompt as version 2, which was rolled back" in str(promoted["why"])
    assert live() == (3, A)
    publish(B)
    rate("live@4", 120, 80)
    assert look() == "returned"


def test_the_seed_starts_the_live_prompt_only_once(queue: str) -> None:
    ssm = boto3.client("ssm")
    ssm.delete_parameter(Name=LIVE)
    ssm.put_parameter(Name="/test/prompt/seed", Value=C, Type="String", Tier="Advanced")
    assert promoter.lambda_handler({"step": "start"}, FakeContext()) == {"version": 1}
    assert live() == (1, C)
    publish(B)
    assert promoter.lambda_handler({"step": "start"}, FakeContext()) == {"version": 2}
    assert live() == (2, B)
