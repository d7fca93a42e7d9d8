"""POST /v1/chat/completions, end to end in one process."""

import json
import re
import socket
import threading

import boto3
import pytest

from route_switch.services.circuits import FAILURES
from route_switch.wiring import secrets_manager
from tests.integration.conftest import (
    LONG,
    SMALL_ONLY_KEY,
    Api,
    MakeApi,
    by_model,
    record_of,
)
from tests.support.upstream import Body, Reply, completion, failure


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


@pytest.mark.parametrize(
    "router",
    [completion("banana"), failure(500), Reply("this is not JSON"), Reply({"choices": []})],
    ids=["banana", "status-500", "not-json", "no-choices"],
)
def test_a_router_that_fails_or_replies_nonsense_leads_to_the_safe_tier(
    api: Api, router: Reply
) -> None:
    api.upstream.script = by_model(router=router, medium=completion("Fine."))
    answer = api.chat(LONG)
    assert answer.status == 200
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("2", "fallback")


def test_a_router_that_hangs_leads_to_the_safe_tier_in_time(make_api: MakeApi) -> None:
    api = make_api(router_timeout_s=0.5, request_deadline_s=6)
    hang = Reply({}, wait_for=api.upstream.released)
    api.upstream.script = by_model(router=hang, medium=completion("Fine."))
    answer = api.chat(LONG)
    record = record_of(api, answer.body["id"])
    assert record["reason"] == "fallback"
    assert 500 <= float(str(record["latency_ms"])) < 3000
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


def test_an_unreachable_provider_is_logged_with_its_host_and_the_error_says_where_to_look(
    make_api: MakeApi, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # nothing listens there
        host = f"127.0.0.1:{bound.getsockname()[1]}"
        api = make_api(openai_base_url=f"http://{host}/v1")
        answer = api.chat("hello", model="tier-1")
    assert answer.status == 502
    message = str(answer.error["message"])
    assert re.search(r"tried\. `route-switch results chatcmpl-\w+` shows each call\.$", message)
    assert f"openai/small at {host} failed: small cannot be reached: ConnectError." in caplog.text


def test_a_failed_call_is_logged_with_its_reason_but_no_words_of_the_provider(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.upstream.script = by_model(
        small=failure(500, "hello is no query"), small_2=Reply({"error": "hello is no query"})
    )
    assert api.chat("hello", model="tier-1").status == 502
    assert " failed: status 500." in caplog.text
    assert re.search(r"openai/small-2 at [\w.:]+ failed: failed\.", caplog.text)
    assert "hello" not in caplog.text


def test_a_failing_largest_tier_goes_down(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("3"), large=failure(500), medium=completion("Less good.")
    )
    assert api.chat(LONG).headers["x-route-tier"] == "2"


@pytest.mark.parametrize("model", ["tier-1", "openai/small"])
def test_a_named_tier_answers_itself_or_through_its_fallbacks_or_not_at_all(
    api: Api, model: str
) -> None:
    api.upstream.script = by_model(small=failure(500), small_2=completion("A stand-in's."))
    assert api.chat("hello", model=model).headers["x-route-model"] == "openai/small-2"
    api.upstream.script = by_model(small=failure(500), small_2=failure(500))
    answer = api.chat("hello", model=model)
    assert answer.status == 502
    assert answer.headers["x-should-retry"] == "false"
    assert api.upstream.models_called()[-2:] == ["small", "small-2"]


def test_a_stage_may_let_more_expensive_tiers_answer_for_a_named_one(make_api: MakeApi) -> None:
    api = make_api(escalate_named=True)
    api.upstream.script = by_model(
        small=failure(500), small_2=failure(500), medium=completion("Better.")
    )
    answer = api.chat("hello", model="tier-1")
    assert (answer.status, answer.headers["x-route-tier"]) == (200, "2")


def test_no_attempt_leaves_the_tiers_of_the_key(api: Api) -> None:
    api.upstream.script = by_model(router=completion("3"), small=failure(500), small_2=failure(500))
    answer = api.chat(LONG, key=SMALL_ONLY_KEY)
    assert answer.status == 502
    assert api.upstream.models_called() == ["router", "small", "small-2"]


def test_if_no_model_answers_in_time_the_error_says_so_and_the_attempts_are_recorded(
    make_api: MakeApi,
) -> None:
    api = make_api(request_deadline_s=4, router_timeout_s=0.5)
    assert api("GET", "/v1/models").status == 200  # so that connecting takes little of the time
    hang = Reply({}, wait_for=api.upstream.released)
    api.upstream.script = lambda _: hang
    answer = api.chat("hello")
    assert answer.status == 504
    error = answer.body["error"]
    assert isinstance(error, dict)
    assert error["code"] == "upstream_timeout"
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    records = [json.loads(item["record"]["S"]) for item in items if "record" in item]
    [record] = [each for each in records if each["status"] == "failed"]
    assert record["attempts"][0]["status"] == "timed_out"


def test_a_request_that_one_model_refuses_may_be_answered_by_another(api: Api) -> None:
    api.upstream.script = by_model(
        small=failure(400, "maximum context length exceeded"),
        small_2=failure(400, "maximum context length exceeded"),
        medium=completion("Here."),
    )
    assert api.chat("hello").headers["x-route-reason"] == "degraded"


def test_a_request_that_every_model_refuses_is_the_callers_error(api: Api) -> None:
    api.upstream.script = lambda body: failure(400, f"{body['model']} says no")
    answer = api.chat("hello")
    assert answer.status == 400
    error = answer.body["error"]
    assert isinstance(error, dict)
    assert "small says no" in error["message"]


def test_a_model_that_takes_too_long_is_helped_and_the_first_answer_counts(
    make_api: MakeApi,
) -> None:
    """The next model is asked as well. Here it is slower than the first one."""
    api = make_api(attempt_s=0.3)
    asked_next = threading.Event()
    never = threading.Event()

    def script(body: Body) -> Reply:
        if body["model"] == "medium":
            return Reply(completion("From the first.").body, wait_for=asked_next)
        if body["model"] == "large":
            asked_next.set()
            return Reply(completion("From the next.").body, wait_for=never)
        return completion("2")

    api.upstream.script = script
    answer = api.chat(LONG)
    never.set()
    assert "From the first." in answer.text
    assert answer.headers["x-route-tier"] == "2"
    assert answer.headers["x-route-reason"] == "router"
    statuses = [a["status"] for a in record_of(api, str(answer.body["id"]))["attempts"]]  # type: ignore[attr-defined]  # JSON
    assert statuses == ["answered", "timed_out", "timed_out"]


def test_a_late_answer_is_used_when_nothing_else_answers(make_api: MakeApi) -> None:
    api = make_api(router_timeout_s=0.5, request_deadline_s=3)
    others_failed = threading.Event()

    def script(body: Body) -> Reply:
        if body["model"] == "small":
            return Reply(completion("Better late.").body, wait_for=others_failed)
        if body["model"] == "large":
            others_failed.set()
        return failure(500)

    api.upstream.script = script
    answer = api.chat("hello")
    assert answer.status == 200
    assert answer.headers["x-route-model"] == "openai/small"
    assert answer.headers["x-route-reason"] == "bypass"
    assert api.upstream.models_called() == ["small", "small-2", "medium", "large"]


def test_a_provider_key_that_is_added_later_is_used(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets_manager, "SECRET_CACHE_S", 0)
    secrets = boto3.client("secretsmanager")
    secrets.put_secret_value(SecretId="provider", SecretString="{}")
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("hello")
    secrets.put_secret_value(SecretId="provider", SecretString='{"OPENAI_API_KEY": "sk-new"}')
    api.chat("hello")
    sent = [headers.get("authorization") for headers in api.upstream.headers]
    assert sent == [None, "Bearer sk-new"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_new_process_without_provider_keys_says_that_a_store_is_unavailable(
    api: Api, *, stream: bool
) -> None:
    boto3.client("secretsmanager").delete_secret(
        SecretId="provider", ForceDeleteWithoutRecovery=True
    )
    for _ in range(FAILURES + 1):
        answer = api.chat(LONG, stream=stream)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
        assert "x-route-skipped" not in answer.headers, "nothing is known of the models"
    assert api.upstream.calls == []


def test_a_provider_key_that_is_replaced_is_used_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets_manager, "RENEW_S", 0)
    sent: list[str | None] = []

    def script(_: Body) -> Reply:
        sent.append(api.upstream.headers[-1].get("authorization"))
        return completion("Hi.") if sent[-1] == "Bearer sk-new" else failure(401)

    api.upstream.script = script
    secrets = boto3.client("secretsmanager")
    secrets.put_secret_value(SecretId="provider", SecretString='{"OPENAI_API_KEY": "sk-old"}')
    assert api.chat("hello").status == 502
    secrets.put_secret_value(SecretId="provider", SecretString='{"OPENAI_API_KEY": "sk-new"}')
    assert api.chat("hello").headers["x-route-model"] == "openai/small"
    assert sent[-2:] == ["Bearer sk-old", "Bearer sk-new"]


@pytest.mark.parametrize("name", ["tier-3", "openai/large"])
def test_an_override_goes_straight_to_its_tier(api: Api, name: str) -> None:
    api.upstream.script = by_model(large=completion("Yes."))
    answer = api.chat(LONG, model=name)
    assert answer.headers["x-route-reason"] == "override"
    assert api.upstream.models_called() == ["large"]


def test_an_override_outside_the_keys_tiers_is_forbidden(api: Api) -> None:
    assert api.chat("hello", model="tier-2", key=SMALL_ONLY_KEY).status == 403
    assert api.upstream.calls == []


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
    shown = (
        "(2 earlier messages.)\nuser:\n> hi\nassistant:\n> Hello!\n=== Last message ===\n> go on"
    )
    assert repr(shown).strip("'") in str(sent[-1])


def test_the_router_sees_the_newest_result_of_a_tool(api: Api) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Sure."))
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "ls", "arguments": "{}"},
    }
    messages = [
        {"role": "user", "content": "List it."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "a.py"},
    ]
    tools = [{"type": "function", "function": {"name": "ls"}}]
    body = {"model": "auto", "messages": messages, "tools": tools}
    assert api("POST", "/v1/chat/completions", body).status == 200
    sent = str(api.upstream.calls[0]["messages"])
    assert "Tools: ls. The assistant is at work with tools." in sent
    assert "tool:\\n> a.py\\n=== Last message ===\\n> List it." in sent


def test_a_dry_run_decides_and_calls_no_tier(api: Api) -> None:
    api.upstream.script = by_model(router=completion("3"))
    answer = api("POST", "/v1/route", {"messages": [{"role": "user", "content": LONG}]})
    assert answer.status == 200
    assert (answer.body["tier"], answer.body["model"]) == (3, "openai/large")
    costs = answer.body["estimated_cost_usd"]
    assert isinstance(costs, dict)
    assert costs["1"] < costs["2"] < costs["3"]
    assert api.upstream.models_called() == ["router"]


def test_a_provider_key_is_used_while_secrets_manager_is_unavailable(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    monkeypatch.setattr(secrets_manager, "SECRET_CACHE_S", 0.0)
    api.chat("hello")
    boto3.client("secretsmanager").delete_secret(
        SecretId="provider", ForceDeleteWithoutRecovery=True
    )
    assert [api.chat("hello").status for _ in range(3)] == [200, 200, 200]
    sent = [headers.get("authorization") for headers in api.upstream.headers]
    assert len(sent) == 4
    assert len(set(sent)) == 1
    assert sent[0] is not None
