"""POST /v1/chat/completions, end to end in one process."""

import io
import json
import threading
from datetime import UTC, datetime

import boto3
import pytest
from botocore.client import BaseClient

from functions.router import handler
from route_switch import bootstrap
from route_switch.adapters.dynamodb import DynamoDbResultStore
from route_switch.domain.pricing import Price
from route_switch.domain.record import RequestRecord
from tests.integration.conftest import CATALOG, CLIENT_KEY, OTHER_KEY, SMALL_ONLY_KEY, Api, MakeApi
from tests.support.upstream import Body, Reply, Script, completion, failure

LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."


NOTHING = Price(input_usd_per_million=0, output_usd_per_million=0)


class NoTexts:
    def put(self, key: str, text: str) -> None:
        raise AssertionError(key)

    def get(self, key: str) -> str:
        raise AssertionError(key)


NO_TEXTS = NoTexts()


def by_model(**scripts: Reply) -> Script:
    def script(body: Body) -> Reply:
        return scripts[str(body["model"]).replace("-", "_")]

    return script


def record_of(api: Api, answer_id: object) -> dict[str, object]:
    found = api("GET", f"/v1/results/{answer_id}")
    assert found.status == 200
    return found.body


def test_a_short_query_bypasses_the_router_with_one_upstream_call(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi!"))
    answer = api.chat("hello")
    assert answer.status == 200
    assert api.upstream.models_called() == ["small"]
    assert answer.headers["x-route-reason"] == "bypass"
    assert answer.headers["x-route-tier"] == "1"


def test_a_longer_query_is_classified_with_two_upstream_calls(api: Api) -> None:
    api.upstream.script = by_model(router=completion("3"), large=completion("Because."))
    answer = api.chat(LONG)
    assert api.upstream.models_called() == ["router", "large"]
    assert answer.body["model"] == "openai/large"
    assert answer.headers["x-route-reason"] == "router"


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


@pytest.mark.parametrize(
    "router",
    [completion("banana"), failure(500), Reply("this is not JSON"), Reply({"choices": []})],
    ids=["banana", "status-500", "not-json", "no-choices"],
)
def test_a_router_that_talks_nonsense_or_fails_leads_to_the_safe_tier(
    api: Api, router: Reply
) -> None:
    api.upstream.script = by_model(router=router, medium=completion("Fine."))
    answer = api.chat(LONG)
    assert answer.status == 200
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("2", "fallback")


def test_a_router_that_hangs_leads_to_the_safe_tier_in_time(api: Api) -> None:
    hang = Reply({}, wait_for=api.upstream.released)
    api.upstream.script = by_model(router=hang, medium=completion("Fine."))
    answer = api.chat(LONG)
    record = record_of(api, answer.body["id"])
    assert record["reason"] == "fallback"
    assert 500 <= float(str(record["latency_ms"])) < 1500
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    assert [a["status"] for a in attempts] == ["timed_out", "answered"]
    assert attempts[0]["estimated"] is True
    assert attempts[0]["cost_usd"] > 0


def test_a_failing_tier_falls_back_then_goes_up_and_every_attempt_is_recorded(api: Api) -> None:
    api.upstream.script = by_model(
        small=failure(500), small_2=failure(429), medium=completion("Here.")
    )
    answer = api.chat("hello")
    assert answer.headers["x-route-reason"] == "degraded"
    record = record_of(api, answer.body["id"])
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    assert [(a["model"], a["status"], a["cost_usd"]) for a in attempts[:2]] == [
        ("openai/small", "failed", 0.0),
        ("openai/small-2", "failed", 0.0),
    ]
    assert (record["decided_tier"], record["tier"]) == (1, 2)


def test_a_fallback_of_the_same_tier_is_not_degraded(api: Api) -> None:
    api.upstream.script = by_model(small=failure(503), small_2=completion("Hi."))
    answer = api.chat("hello")
    assert answer.headers["x-route-reason"] == "bypass"
    assert answer.headers["x-route-model"] == "openai/small-2"
    assert "x-route-cost-usd" not in answer.headers, "the fallback has no price"


def test_a_failing_largest_tier_goes_down(api: Api) -> None:
    api.upstream.script = by_model(large=failure(500), medium=completion("Less good."))
    assert api.chat("hello", model="tier-3").headers["x-route-tier"] == "2"


def test_no_attempt_leaves_the_tiers_of_the_key(api: Api) -> None:
    api.upstream.script = by_model(router=completion("3"), small=failure(500), small_2=failure(500))
    answer = api.chat(LONG, key=SMALL_ONLY_KEY)
    assert answer.status == 502
    assert api.upstream.models_called() == ["router", "small", "small-2"]


def test_when_nothing_answers_in_time_the_error_says_so_and_the_attempts_are_kept(
    make_api: MakeApi,
) -> None:
    api = make_api(request_deadline_s=1, router_timeout_s=0.5)
    hang = Reply({}, wait_for=api.upstream.released)
    api.upstream.script = lambda _: hang
    answer = api.chat("hello")
    assert answer.status == 504
    error = answer.body["error"]
    assert isinstance(error, dict)
    assert error["code"] == "upstream_timeout"
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    [record] = [json.loads(item["record"]["S"]) for item in items if "record" in item]
    assert record["status"] == "failed"
    assert record["attempts"][0]["status"] == "timed_out"


def test_a_late_answer_is_recorded_with_its_real_tokens(make_api: MakeApi) -> None:
    api = make_api(router_timeout_s=0.3)
    medium_called = threading.Event()

    def script(body: Body) -> Reply:
        if body["model"] == "router":
            return Reply(completion("1", 999, 1).body, wait_for=medium_called)
        medium_called.set()
        # The router's late answer has to arrive while this call is under way.
        threading.Event().wait(0.3)
        return completion("Fine.")

    api.upstream.script = script
    record = record_of(api, api.chat(LONG).body["id"])
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    assert attempts[0]["status"] == "timed_out"
    assert attempts[0]["usage"]["input_tokens"] == 999
    assert attempts[0]["estimated"] is False


def test_what_one_model_refuses_another_may_take(api: Api) -> None:
    api.upstream.script = by_model(
        small=failure(400, "maximum context length exceeded"),
        small_2=failure(400, "maximum context length exceeded"),
        medium=completion("Here."),
    )
    assert api.chat("hello").headers["x-route-reason"] == "degraded"


def test_a_request_that_every_model_refuses_is_the_callers_mistake(api: Api) -> None:
    api.upstream.script = lambda body: failure(400, f"{body['model']} says no")
    answer = api.chat("hello")
    assert answer.status == 400
    error = answer.body["error"]
    assert isinstance(error, dict)
    assert "small says no" in error["message"]


def test_a_late_answer_is_used_when_nothing_else_can_be_tried(make_api: MakeApi) -> None:
    api = make_api(request_deadline_s=1.2, router_timeout_s=0.5)

    def script(_: Body) -> Reply:
        threading.Event().wait(0.95)  # later than two thirds of 1.2 s
        return completion("Better late.")

    api.upstream.script = script
    answer = api.chat("hello")
    assert answer.status == 200
    assert answer.headers["x-route-model"] == "openai/small"
    assert api.upstream.models_called() == ["small"]


def test_a_provider_key_that_is_filled_in_later_is_used(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "SECRET_CACHE_S", 0)
    secrets = boto3.client("secretsmanager")
    secrets.put_secret_value(SecretId="provider", SecretString="{}")
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("hello")
    secrets.put_secret_value(SecretId="provider", SecretString='{"OPENAI_API_KEY": "sk-new"}')
    api.chat("hello")
    sent = [headers.get("authorization") for headers in api.upstream.headers]
    assert sent == [None, "Bearer sk-new"]


def test_a_store_that_hangs_does_not_hold_the_answer_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(DynamoDbResultStore, "save", lambda *_: released.wait(10))
    monkeypatch.setattr("route_switch.services.route_request.MAX_RECORD_S", 0.2)
    api.upstream.script = by_model(small=completion("Hi."))
    assert api.chat("hello").status == 200
    released.set()


@pytest.mark.parametrize("name", ["tier-3", "openai/large"])
def test_an_override_goes_straight_to_its_tier(api: Api, name: str) -> None:
    api.upstream.script = by_model(large=completion("Yes."))
    answer = api.chat(LONG, model=name)
    assert answer.headers["x-route-reason"] == "override"
    assert api.upstream.models_called() == ["large"]


def test_an_override_outside_the_tiers_of_the_key_is_forbidden(api: Api) -> None:
    assert api.chat("hello", model="tier-2", key=SMALL_ONLY_KEY).status == 403
    assert api.upstream.calls == []


def test_fields_that_are_not_ours_reach_the_provider_unchanged(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    fields: dict[str, object] = {
        "temperature": 0.3,
        "seed": 7,
        "unheard_of": {"a": [1, None]},
        "user": "u-1",
    }
    api.chat("hello", CLIENT_KEY, **fields)
    [call] = api.upstream.calls
    assert {name: call[name] for name in fields} == fields


def test_the_provider_key_comes_from_the_secret_and_not_from_the_caller(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("hello")
    [headers] = api.upstream.headers
    assert headers["authorization"] == "Bearer sk-test"


def test_a_conversation_is_never_bypassed(api: Api) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Sure."))
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "go on"},
    ]
    api("POST", "/v1/chat/completions", {"model": "auto", "messages": messages})
    router_call = api.upstream.calls[0]
    assert router_call["model"] == "router"
    sent = router_call["messages"]
    assert isinstance(sent, list)
    assert "after 2 earlier messages" in str(sent[-1])


def test_the_day_and_the_month_of_the_key_add_up_to_the_records(make_api: MakeApi) -> None:
    free_router = CATALOG.model_copy(
        update={"prices": {**CATALOG.prices, "openai/router": NOTHING}}
    )
    api = make_api(models=free_router)
    api.upstream.script = by_model(router=completion("2"), medium=completion("Yes."))
    answers = [api.chat(LONG) for _ in range(20)]
    total = sum(float(answer.headers["x-route-cost-usd"]) for answer in answers)
    store = DynamoDbResultStore(boto3.client("dynamodb"), "results", NO_TEXTS)
    day = store.day_totals(datetime.now(UTC).date())
    assert day["answered"] == day["tier:2"] == day["reason:router"] == 20
    assert day["cost_usd"] == pytest.approx(total) == pytest.approx(day["cost_usd:tier:2"])
    assert day["router_cost_usd"] == 0
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    months = [item for item in items if item["pk"]["S"].startswith(f"KEY#key_{CLIENT_KEY}#")]
    assert sum(float(month["cost_usd"]["N"]) for month in months) == pytest.approx(total)
    assert len(months) > 1, "the counters are spread"


def test_a_warm_request_makes_one_round_trip_to_dynamodb_and_none_to_ssm(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_keys_that_cannot_be_checked_let_nobody_in(api: Api) -> None:
    boto3.client("dynamodb").delete_table(TableName="keys")
    answer = api.chat("hello")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert api.upstream.calls == []


def test_saving_a_record_twice_counts_it_once(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    store = bootstrap.router().results
    saved: list[RequestRecord] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "save", lambda _, record, __: saved.append(record))
        api.chat("hello")
    for _ in range(2):
        store.save(saved[0], 2_000_000_000)
    assert (
        DynamoDbResultStore(boto3.client("dynamodb"), "results", NO_TEXTS).day_totals(
            saved[0].created_at.date()
        )["answered"]
        == 1
    )


def test_a_result_is_only_for_the_key_that_made_it(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    request_id = api.chat("hello").body["id"]
    assert api("GET", f"/v1/results/{request_id}", key=OTHER_KEY).status == 404
    assert api("GET", f"/v1/results/{request_id}").body["query_text"] == "hello"


def test_a_dry_run_decides_and_calls_no_tier(api: Api) -> None:
    api.upstream.script = by_model(router=completion("3"))
    answer = api("POST", "/v1/route", {"messages": [{"role": "user", "content": LONG}]})
    assert answer.status == 200
    assert (answer.body["tier"], answer.body["model"]) == (3, "openai/large")
    costs = answer.body["estimated_cost_usd"]
    assert isinstance(costs, dict)
    assert costs["1"] < costs["2"] < costs["3"]
    assert api.upstream.models_called() == ["router"]


def test_long_texts_lie_in_s3_and_come_back_with_the_result(api: Api) -> None:
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


def test_neither_logs_nor_metrics_hold_text(
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
