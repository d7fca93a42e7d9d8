"""Records that are missing from the table are saved exactly once: `records replay`."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from typer.testing import CliRunner

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_replay import SqsRecords
from route_switch.cli import records
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.cli.stage_names import UsageError
from route_switch.domain.lost_record import lost_record_as_json, read_lost_record
from route_switch.domain.request_record import RequestRecord
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import LONG, Api, by_model
from tests.support.records import answered
from tests.support.upstream import completion

NOW = datetime.now(UTC)
COST_USD = 0.00002


def lost(request_id: str, created_at: datetime = NOW) -> RequestRecord:
    return answered(request_id, "hello", created_at)


def queued() -> list[str]:
    """Return the bodies of the messages that the queue shows."""
    url = read_settings().records_queue_url
    found = boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [message["Body"] for message in found.get("Messages", ())]


def send(*bodies: str) -> None:
    for body in bodies:
        boto3.client("sqs").send_message(
            QueueUrl=read_settings().records_queue_url, MessageBody=body
        )


def body_of(record: RequestRecord) -> str:
    return json.dumps(lost_record_as_json(record))


def items(prefix: str) -> Iterator[dict[str, Any]]:
    for item in boto3.client("dynamodb").scan(TableName="results")["Items"]:
        if item["pk"]["S"].startswith(prefix):
            yield item


def counted(prefix: str, name: str = "cost_usd") -> float:
    return sum(float(item[name]["N"]) for item in items(prefix) if name in item)


def accounts() -> tuple[int, float, float]:
    """Return the number of records, and what day and key sums say they cost."""
    return len([*items("RESULT#")]), counted("DAY#"), counted("KEY#")


@pytest.fixture
def stage(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    deployed = Deployed(boto3.client, read_settings(), {})
    monkeypatch.setattr(records, "find_deployed", lambda _: deployed)
    monkeypatch.setattr(records, "SqsRecords", partial(SqsRecords, wait_s=0))
    return api


def refusal_of(*options: str) -> str:
    result = CliRunner().invoke(app, ["records", "replay", *options])
    assert isinstance(result.exception, UsageError), result.output
    return str(result.exception)


def test_a_file_that_is_not_a_router_log_is_refused(stage: Api, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    for content in ("", "START RequestId: 1\nEND RequestId: 1\n"):
        other.write_text(content, "utf-8")
        assert f"{other} has no line that names a request" in refusal_of("--log", str(other))


def replay(*options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["records", "replay", "--json", *options])
    assert result.exit_code == 0, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def test_a_queued_record_is_saved_once_with_its_counters(stage: Api) -> None:
    send(body_of(lost("a")), body_of(lost("a")), body_of(lost("b")))
    said = replay()
    assert (said["saved"], said["already_counted"]) == (2, 1)
    assert accounts()[0] == 2
    assert accounts()[1:] == pytest.approx((2 * COST_USD, 2 * COST_USD))
    assert queued() == []
    assert replay()["saved"] == 0


def test_a_dry_run_counts_and_changes_nothing(stage: Api) -> None:
    send(body_of(lost("a")))
    assert replay("--dry-run")["saved"] == 1
    assert accounts()[0] == 0


def test_a_record_that_was_deleted_does_not_count_again(stage: Api) -> None:
    stage.upstream.script = by_model(small=completion("Hi."))
    request_id = str(stage.chat("hello").body["id"])
    before = counted("DAY#"), counted("KEY#")
    assert stage("DELETE", f"/v1/results/{request_id}").status in (200, 204)
    send(body_of(lost(request_id)))
    assert replay()["already_counted"] == 1
    assert (counted("DAY#"), counted("KEY#")) == before
    assert [*items("RESULT#")] == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"request_id": 7}',
        "[" * 100_000,
        body_of(lost("")),
        body_of(lost("a")).replace("2e-05", "-5"),
        body_of(lost("a")).replace("2e-05", "NaN"),
        body_of(lost("a", NOW - timedelta(days=1000))),
    ],
)
def test_what_is_not_a_record_is_kept_with_the_reason(stage: Api, body: str) -> None:
    send(body or " ", body_of(lost("good")))
    said = replay()
    assert said["saved"] == 1
    [reason] = said["rejected"].values()
    [kept] = items("REJECTED")
    assert kept["reason"]["S"] == reason
    assert kept["body"]["S"] == (body or " ")
    assert queued() == []


def test_a_lost_record_is_read_as_it_was_written() -> None:
    record = replace(
        lost("a"), baseline_cost_usd=0.02, baseline_low_usd=0.01, baseline_high_usd=0.03
    )
    read = read_lost_record(json.loads(body_of(record)))
    assert read == replace(record, query_text=None, answer_text=None, replay=None)


def test_a_record_of_an_older_release_keeps_the_bounds_of_its_saving() -> None:
    record = replace(
        lost("a"), baseline_cost_usd=0.02, baseline_low_usd=0.01, baseline_high_usd=0.03
    )
    content = lost_record_as_json(record)
    for name in ("baseline_low_usd", "baseline_high_usd", "baseline_basis"):
        del content[name]
    read = read_lost_record(content)
    assert read.saved_usd_low == pytest.approx(record.saved_usd_low)
    assert read.saved_usd_high == pytest.approx(record.saved_usd_high)
    assert read.saving_basis == record.saving_basis


def test_a_write_whose_response_was_lost_is_not_queued(
    stage: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = DynamoDbResultStore._write_once

    def written_but_unanswered(store: DynamoDbResultStore, *args: Any) -> None:
        write(store, *args)
        raise ReadTimeoutError(endpoint_url="dynamodb")

    monkeypatch.setattr(DynamoDbResultStore, "_write_once", written_but_unanswered)
    stage.upstream.script = by_model(small=completion("Hi."))
    assert stage.chat("hello").status == 200
    assert queued() == []
    assert accounts()[0] == 1


def killed_before_its_record(stage: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer a request whose record reaches neither the table nor the queue nor the log."""
    with monkeypatch.context() as patch:
        patch.setattr("route_switch.services.record_request.RecordRequest.__call__", lost_in_kill)
        stage.upstream.script = by_model(
            router=completion("2", 1000, 1), medium=completion("Because.", 40, 90)
        )
        assert stage.chat(LONG).status == 200


def lost_in_kill(*_: object) -> bool:
    return True


def test_a_request_whose_function_was_killed_after_its_answer_is_restored_to_the_cent(
    stage: Api,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    killed_before_its_record(stage, monkeypatch)
    log = tmp_path / "router.log"
    log.write_text(capsys.readouterr().out)
    assert replay("--log", str(log))["under_way"] == 1
    monkeypatch.setattr("route_switch.services.operations.replay_records.UNDER_WAY", timedelta(0))
    said = replay("--log", str(log))
    paid = (1000 * 0.1 + 1 * 0.4 + 40 * 3 + 90 * 5) / 1e6
    assert (said["saved"], said["unknown"]) == (1, 0)
    assert said["saved_usd"] == pytest.approx(paid)
    assert accounts()[0] == 1
    assert accounts()[1:] == pytest.approx((paid, paid))
    assert replay("--log", str(log))["already_counted"] == 1


def test_a_request_whose_function_was_killed_before_its_answer_counts_as_unknown(
    stage: Api,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    killed_before_its_record(stage, monkeypatch)
    log = tmp_path / "router.log"
    announced = [line for line in capsys.readouterr().out.splitlines() if "worst_usd" in line]
    log.write_text("\n".join(announced))
    monkeypatch.setattr("route_switch.services.operations.replay_records.UNDER_WAY", timedelta(0))
    said = replay("--log", str(log))
    assert (said["saved"], said["unknown"]) == (1, 1)
    assert said["at_most_usd"] > 0
    assert counted("DAY#", "cost_usd:unknown") == counted("KEY#", "cost_usd:unknown") == 1


def test_the_log_of_saved_requests_changes_nothing(
    stage: Api, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stage.upstream.script = by_model(small=completion("Hi."))
    for _ in range(3):
        stage.chat("hello")
    before, log = accounts(), tmp_path / "router.log"
    log.write_text(capsys.readouterr().out + '{"route_switch_request": {"broken\n')
    said = replay("--log", str(log))
    assert (said["saved"], said["already_counted"], said["unreadable_lines"]) == (0, 3, 1)
    assert accounts() == before


def test_the_log_of_the_last_hours_is_read_where_the_function_writes_it(
    stage: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    killed_before_its_record(stage, monkeypatch)
    monkeypatch.setattr("route_switch.services.operations.replay_records.UNDER_WAY", timedelta(0))
    lines = capsys.readouterr().out.splitlines()
    write_log("/stage/router", lines, timedelta(hours=3))
    monkeypatch.setattr(records, "find_deployed", lambda _: with_log("/stage/router"))
    assert replay("--hours", "1")["saved"] == 0, "older than that"
    said = replay("--hours", "4")
    assert (said["saved"], said["unreadable_lines"]) == (1, 0)
    assert replay("--hours", "4")["already_counted"] == 1


def test_a_log_with_more_lines_than_the_limit_is_refused_instead_of_read_in_part(
    stage: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    killed_before_its_record(stage, monkeypatch)
    write_log("/stage/router", capsys.readouterr().out.splitlines(), timedelta(hours=3))
    monkeypatch.setattr(records, "find_deployed", lambda _: with_log("/stage/router"))
    result = CliRunner().invoke(app, ["records", "replay", "--hours", "4", "--limit", "1"])
    assert "Take a shorter time with --hours, or raise --limit" in str(result.exception)
    assert accounts()[0] == 0


def write_log(group: str, lines: list[str], ago: timedelta) -> None:
    at = NOW - ago
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    events: Any = [{"timestamp": int(at.timestamp() * 1000), "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


def with_log(group: str) -> Deployed:
    """The stage, whose router writes to this log group."""

    class Lambda:
        def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803 (AWS's)
            assert FunctionName == "router"
            return {"LoggingConfig": {"LogGroup": group}}

    def connect(service: str) -> Any:
        return Lambda() if service == "lambda" else boto3.client(service)

    return Deployed(connect, read_settings(), {"RouterFunction": "router"})
