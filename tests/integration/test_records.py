"""What is stored about a request: records, counters, texts, logs."""

import io
import json
import threading
from datetime import UTC, date, datetime
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from functions.router import handler
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.domain.pricing import Price
from route_switch.domain.request_record import RequestRecord
from route_switch.services.call_models import ModelCaller
from route_switch.services.call_result import CallResult
from route_switch.wiring import management
from tests.integration.conftest import (
    CATALOG,
    CLIENT_KEY,
    LONG,
    OTHER_KEY,
    Api,
    MakeApi,
    by_model,
    record_of,
)
from tests.support.upstream import Body, Reply, completion, failure

NOTHING = Price(input_usd_per_million=0, output_usd_per_million=0)


def day_totals(*days: date) -> dict[str, float]:
    """Return the counters of the days, summed over the shards."""
    prefixes = tuple(f"DAY#{day:%Y-%m-%d}#" for day in {*days})
    totals: dict[str, float] = {}
    for item in boto3.client("dynamodb").scan(TableName="results")["Items"]:
        if item["pk"]["S"].startswith(prefixes):
            for name, value in item.items():
                if "N" in value:
                    totals[name] = totals.get(name, 0.0) + float(value["N"])
    return totals


def test_the_cost_is_exact_to_the_token(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("2", 1013, 3), medium=completion("Gravity.", 37, 211)
    )
    answer = api.chat(LONG)
    record = record_of(api, answer.body["id"])
    router_usd = (1013 * 0.1 + 3 * 0.4) / 1e6
    assert record["router_cost_usd"] == pytest.approx(router_usd, abs=1e-12)
    assert record["cost_usd"] == pytest.approx(router_usd + (37 * 3 + 211 * 5) / 1e6, abs=1e-12)
    baseline = (37 * 10 + round(211 * 1.5) * 30) / 1e6
    assert record["baseline_cost_usd"] == pytest.approx(baseline, abs=1e-12)


def when_late(monkeypatch: pytest.MonkeyPatch, done: threading.Event) -> None:
    """Set `done` as soon as a call that timed out has its answer."""
    wait = ModelCaller.wait

    def watched(caller: ModelCaller, *args: Any, **options: Any) -> CallResult:
        result = wait(caller, *args, **options)
        if result.late is not None:
            result.late.add_done_callback(lambda _: done.set())
        return result

    monkeypatch.setattr(ModelCaller, "wait", watched)


def test_a_late_answer_is_recorded_with_its_actual_tokens(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api(router_timeout_s=0.3)
    medium_called, router_answered = threading.Event(), threading.Event()
    when_late(monkeypatch, router_answered)

    def script(body: Body) -> Reply:
        if body["model"] == "router":
            return Reply(completion("1", 999, 1).body, wait_for=medium_called)
        medium_called.set()
        assert router_answered.wait(10), "the late answer arrives while this call is in progress"
        return completion("Fine.")

    api.upstream.script = script
    record = record_of(api, api.chat(LONG).body["id"])
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    assert attempts[0]["status"] == "timed_out"
    assert attempts[0]["usage"]["input_tokens"] == 999
    assert attempts[0]["estimated"] is False


def test_a_hanging_store_does_not_delay_the_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(DynamoDbResultStore, "save", lambda *_: released.wait(10))
    monkeypatch.setattr("route_switch.services.route_request.MAX_RECORD_S", 0.2)
    api.upstream.script = by_model(small=completion("Hi."))
    assert api.chat("hello").status == 200
    released.set()


def test_the_counters_of_the_day_and_the_keys_month_match_the_records(make_api: MakeApi) -> None:
    free_router = CATALOG.model_copy(
        update={"prices": {**CATALOG.prices, "openai/router": NOTHING}}
    )
    # Long enough for a busy machine: a late call would change the sums.
    api = make_api(models=free_router, router_timeout_s=20.0, request_deadline_s=25.0)
    api.upstream.script = by_model(router=completion("2"), medium=completion("Yes."))
    began = datetime.now(UTC).date()  # the requests may lie on both sides of midnight
    answers = [api.chat(LONG) for _ in range(20)]
    total = sum(float(answer.headers["x-route-cost-usd"]) for answer in answers)
    day = day_totals(began, datetime.now(UTC).date())
    assert day["answered"] == day["tier:2"] == day["reason:router"] == 20
    assert day["cost_usd"] == pytest.approx(total) == pytest.approx(day["cost_usd:tier:2"])
    assert day["cost_usd:tier:router"] == 0
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    months = [item for item in items if item["pk"]["S"].startswith(f"KEY#key_{CLIENT_KEY}#")]
    assert sum(float(month["cost_usd"]["N"]) for month in months) == pytest.approx(total)
    assert len(months) > 1, "the counters are spread"


def test_a_warm_request_writes_its_record_and_its_session_at_once_and_reads_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Yes."))
    api.chat(LONG)
    calls: list[str] = []
    at_once = threading.Barrier(2, timeout=10)
    call = vars(BaseClient)["_make_api_call"]

    def counted(client: BaseClient, operation: str, arguments: object) -> object:
        calls.append(operation)
        at_once.wait()
        return call(client, operation, arguments)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", counted)
    assert api.chat(LONG).status == 200
    assert sorted(calls) == ["PutItem", "TransactWriteItems"]


def test_without_sessions_a_warm_request_makes_one_round_trip_to_dynamodb_and_none_to_ssm(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api(sessions="off")
    api.upstream.script = by_model(router=completion("2"), medium=completion("Yes."))
    api.chat(LONG)
    calls: list[str] = []
    call = vars(BaseClient)["_make_api_call"]

    def counted(client: BaseClient, operation: str, arguments: object) -> object:
        calls.append(operation)
        return call(client, operation, arguments)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", counted)
    assert api.chat(LONG).status == 200
    assert calls == ["TransactWriteItems"]


def test_requests_are_refused_if_keys_cannot_be_checked(api: Api) -> None:
    boto3.client("dynamodb").delete_table(TableName="keys")
    answer = api.chat("hello")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert api.upstream.calls == []


def test_saving_a_record_twice_counts_it_once(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    store = management.management().results
    saved: list[RequestRecord] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "save", lambda _, record, __: saved.append(record))
        api.chat("hello")
    for _ in range(2):
        store.save(saved[0], 2_000_000_000)
    assert day_totals(saved[0].created_at.date())["answered"] == 1


def test_a_result_is_visible_only_to_the_key_that_made_it(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    request_id = api.chat("hello").body["id"]
    assert api("GET", f"/v1/results/{request_id}", key=OTHER_KEY).status == 404
    assert api("GET", f"/v1/results/{request_id}").body["query_text"] == "hello"


def test_long_texts_are_stored_in_s3_and_returned_with_the_result(api: Api) -> None:
    text = "word " * 60_000
    api.upstream.script = by_model(router=completion("1"), small=completion("Short."))
    request_id = api.chat(text).body["id"]
    record = record_of(api, request_id)
    assert record["query_text"] == text
    [stored] = boto3.client("s3").list_objects_v2(Bucket="texts")["Contents"]
    assert stored["Size"] == len(text)


@pytest.mark.parametrize("storage", ["hash", "none"])
def test_text_is_stored_only_as_configured(make_api: MakeApi, storage: str) -> None:
    api = make_api(text_storage=storage)
    api.upstream.script = by_model(small=completion("a secret answer"))
    request_id = api.chat("a secret").body["id"]
    record = record_of(api, request_id)
    stored = json.dumps(boto3.client("dynamodb").scan(TableName="results")["Items"])
    assert "secret" not in stored
    assert (record["query_text"] is None) == (storage == "none")


def test_a_record_that_cannot_be_saved_goes_to_the_queue_without_its_text(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    boto3.client("dynamodb").delete_table(TableName="results")
    assert api.chat("my private words").status == 200
    queue = boto3.client("sqs").get_queue_url(QueueName="records")["QueueUrl"]
    [message] = boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert "my private words" not in message["Body"]
    assert json.loads(message["Body"])["cost_usd"] == pytest.approx((11 + 7 * 2) / 1e6)


def test_neither_logs_nor_metrics_contain_text(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(handler.logger.registered_handler, "stream", log)
    api.upstream.script = by_model(router=failure(500), medium=completion("an ANSWER of ours"))
    api.chat(f"QUERY {LONG}")
    api.chat("", messages="wrong QUERY")
    printed = log.getvalue() + capsys.readouterr().out
    assert '"reason":"fallback"' in printed
    assert "latency_ms" in printed
    for private in ("QUERY", "ANSWER", "sk-test"):
        assert private not in printed
