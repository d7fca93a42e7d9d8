"""Streamed answers: a fallback before the first token, and a record of every outcome."""

import json
from typing import Any

import boto3
import pytest

from functions.router import handler
from route_switch.adapters.lambda_runtime import Streaming
from route_switch.services import answer_query, live_answer
from tests.integration.conftest import LONG, Answer, Api, MakeApi
from tests.support.context import FakeContext
from tests.support.events import api_event
from tests.support.upstream import (
    HANG_UP,
    Body,
    Reply,
    chunk,
    completion,
    failure,
    streamed,
    usage_chunk,
)

BEGINS = chunk({"role": "assistant", "content": ""})
HALF = chunk({"content": "Half an answer"})


def answering(**replies: Reply) -> Any:
    def script(body: Body) -> Reply:
        return replies.get(str(body["model"]), completion("2"))

    return script


def events_of(answer: Answer) -> list[dict[str, Any]]:
    lines = [line for line in answer.text.split("\n\n") if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def text_of(answer: Answer) -> str:
    choices = [choice for event in events_of(answer) for choice in event.get("choices", ())]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def record_of(api: Api, answer: Answer) -> dict[str, Any]:
    return dict(api("GET", f"/v1/results/{answer.headers['x-request-id']}").body)


def test_text_arrives_in_the_pieces_that_the_model_sends(api: Api) -> None:
    api.upstream.script = answering(medium=streamed("The ", "tides ", "rise."))
    answer = api.chat(LONG, stream=True)
    pieces = [e["choices"][0]["delta"].get("content") for e in events_of(answer) if e["choices"]]
    assert pieces == ["", "The ", "tides ", "rise.", None]
    assert answer.text.endswith("data: [DONE]\n\n")
    record = record_of(api, answer)
    assert record["status"] == "answered"
    assert record["answer_text"] == "The tides rise."
    assert record["attempts"][-1]["usage"]["output_tokens"] == 7
    assert record["attempts"][-1]["first_token_ms"] >= 0


@pytest.mark.parametrize(
    "broken",
    [
        Reply(parts=[HANG_UP]),
        Reply(parts=[BEGINS, HANG_UP]),
        Reply(parts=[BEGINS, {"error": {"message": "overloaded", "code": 503}}]),
        Reply(parts=[{"choices": [], "usage": None}, b"data: [DONE]\n\n"]),
        Reply(parts=[b": nothing\n\n"]),
        failure(500),
    ],
    ids=["nothing", "role", "error", "no choice", "comment", "status"],
)
def test_a_stream_that_dies_before_content_falls_back(api: Api, broken: Reply) -> None:
    api.upstream.script = answering(medium=broken, large=streamed("Right."))
    answer = api.chat(LONG, stream=True)
    assert answer.status == 200
    assert text_of(answer) == "Right."
    assert answer.headers["x-route-reason"] == "degraded"
    statuses = [attempt["status"] for attempt in record_of(api, answer)["attempts"]]
    assert statuses == ["answered", "failed", "answered"]


def test_a_model_without_a_first_token_in_time_falls_back(make_api: MakeApi) -> None:
    api = make_api(stall_s=0.3)
    api.upstream.script = answering(medium=Reply(parts=[BEGINS, 5.0, HALF]), large=streamed("Ok."))
    answer = api.chat(LONG, stream=True)
    assert text_of(answer) == "Ok."
    assert record_of(api, answer)["attempts"][1]["status"] == "timed_out"


def test_the_last_model_has_all_the_time_for_its_first_token(make_api: MakeApi) -> None:
    api = make_api(stall_s=0.1)
    api.upstream.script = answering(medium=Reply(parts=[0.4, BEGINS, HALF, chunk({}, "stop")]))
    answer = api.chat(LONG, model="tier-2", stream=True)
    assert text_of(answer) == "Half an answer"


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ([HANG_UP], "upstream_failed"),
        ([{"error": {"message": "overloaded"}}], "upstream_failed"),
        ([chunk({}, "error")], "upstream_failed"),
        ([3.0], "upstream_timeout"),
    ],
    ids=["hang-up", "error event", "end reason", "stall"],
)
def test_an_answer_that_breaks_off_ends_in_an_error(
    make_api: MakeApi, rest: list[Any], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = make_api(stall_s=0.3)
    api.upstream.script = answering(medium=Reply(parts=[BEGINS, HALF, *rest]))
    answer = api.chat(LONG, stream=True)
    assert answer.status == 200
    assert "[DONE]" not in answer.text
    assert events_of(answer)[-1]["error"]["code"] == code
    record = record_of(api, answer)
    assert record["status"] == "partial"
    assert record["answer_text"] == "Half an answer"
    attempt = record["attempts"][-1]
    assert (attempt["status"], attempt["estimated"]) == ("partial", True)
    assert attempt["usage"]["output_tokens"] > 0
    assert record["cost_usd"] > 0
    assert record["baseline_cost_usd"] is None
    assert len(api.upstream.calls) == 2  # no other tier is asked in the middle of an answer
    assert caplog.text.count(" broke off: ") == 1
    assert "overloaded" not in caplog.text, "words of the provider"


def test_a_provider_that_does_not_close_after_the_end_has_answered(make_api: MakeApi) -> None:
    api = make_api(stall_s=0.3)
    api.upstream.script = answering(medium=Reply(parts=[BEGINS, HALF, chunk({}, "stop"), 3.0]))
    answer = api.chat(LONG, stream=True)
    assert answer.text.endswith("data: [DONE]\n\n")
    record = record_of(api, answer)
    assert (record["status"], record["cost_usd"]) == ("answered", None)


def test_usage_that_was_reported_before_the_end_is_charged(api: Api) -> None:
    api.upstream.script = answering(
        medium=Reply(parts=[BEGINS, HALF, usage_chunk(1000, 500), HANG_UP])
    )
    attempt = record_of(api, api.chat(LONG, stream=True))["attempts"][-1]
    assert attempt["usage"]["input_tokens"] == 1000
    assert attempt["estimated"] is False


def test_a_partial_answer_is_never_learned_from(api: Api) -> None:
    api.upstream.script = answering(medium=Reply(parts=[BEGINS, HALF, HANG_UP]))
    answer = api.chat(LONG, stream=True)
    api.upstream.script = answering(medium=streamed("Whole."))
    api.chat(LONG, stream=True)
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    replays = [item for item in items if "replay" in item]
    assert answer.headers["x-request-id"] not in json.dumps(replays)
    assert len(replays) == 1


def test_the_request_ends_at_its_deadline(make_api: MakeApi) -> None:
    api = make_api(request_deadline_s=1.0, router_timeout_s=0.5)
    drops = [part for _ in range(30) for part in (HALF, 0.1)]
    api.upstream.script = answering(medium=Reply(parts=[BEGINS, *drops]))
    answer = api.chat(LONG, stream=True)
    assert events_of(answer)[-1]["error"]["code"] == "upstream_timeout"
    assert record_of(api, answer)["latency_ms"] == pytest.approx(1000, abs=600)


def test_an_answer_at_once_is_streamed_all_the_same(api: Api) -> None:
    api.upstream.script = answering(medium=completion("At once."))
    answer = api.chat(LONG, stream=True, stream_options={"include_usage": True})
    assert text_of(answer) == "At once."
    assert events_of(answer)[-1]["usage"]["completion_tokens"] == 7


def test_a_provider_without_usage_in_streams_is_asked_again_without_it(api: Api) -> None:
    def script(body: Body) -> Reply:
        if body["model"] == "router":
            return completion("2")
        if "stream_options" in body:
            return failure(400, "Unrecognized request argument supplied: stream_options")
        return Reply(parts=[BEGINS, HALF, chunk({}, "stop"), b"data: [DONE]\n\n"])

    api.upstream.script = script
    answer = api.chat(LONG, stream=True)
    assert text_of(answer) == "Half an answer"
    assert record_of(api, answer)["cost_usd"] is None


KEY = {"idempotency-key": "k-1"}


def test_a_streamed_answer_is_replayed_as_a_stream(api: Api) -> None:
    api.upstream.script = answering(medium=streamed("Once."))
    first = api.chat(LONG, stream=True, headers=KEY)
    again = api.chat(LONG, stream=True, headers=KEY)
    assert again.text == first.text
    assert again.headers["content-type"] == "text/event-stream"
    assert again.headers["idempotent-replayed"] == "true"
    assert api.upstream.models_called() == ["router", "medium"]


def test_an_answer_that_broke_off_is_not_replayed(api: Api) -> None:
    api.upstream.script = answering(medium=Reply(parts=[BEGINS, HALF, HANG_UP]))
    broken = api.chat(LONG, stream=True, headers=KEY)
    assert events_of(broken)[-1]["error"]
    api.upstream.script = answering(medium=streamed("Whole."))
    assert text_of(api.chat(LONG, stream=True, headers=KEY)) == "Whole."


def test_a_failure_before_the_first_token_of_a_keyed_request_is_an_error(api: Api) -> None:
    models = ("small", "small-2", "medium", "large")
    api.upstream.script = answering(**dict.fromkeys(models, failure(500)))
    assert api.chat(LONG, stream=True, headers=KEY).status == 502


def streaming_response(text: str) -> Any:
    """Return what the handler gives to a runtime that can stream."""
    body = {"messages": [{"role": "user", "content": text}], "stream": True}
    event = api_event("POST", "/v1/chat/completions", body, "rs-client")
    event["resource"] = "/v1/chat/completions"
    return handler.lambda_handler(event, FakeContext())


@pytest.mark.parametrize("received", [0, 3], ids=["nothing", "three events"])
def test_a_client_that_leaves_ends_the_call_and_is_recorded(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], received: int
) -> None:
    monkeypatch.setattr(handler, "streaming", Streaming.IN_PIECES)
    drops = [part for _ in range(50) for part in (HALF, 0.1)]
    api.upstream.script = answering(medium=Reply(parts=[BEGINS, *drops]))
    response = streaming_response(LONG)
    pieces = response.pieces()
    head = json.loads(next(pieces).removesuffix(b"\0" * 8))
    assert head["statusCode"] == 200
    for _ in range(received):
        next(pieces)
    pieces.close()
    response.close()
    response.finish()
    [request_id] = head["multiValueHeaders"]["x-request-id"]
    record = api("GET", f"/v1/results/{request_id}").body
    assert record["status"] == "partial"
    assert record["attempts"][-1]["error"] == "the client left"  # type: ignore[index]  # JSON
    logged = [line for line in capsys.readouterr().out.splitlines() if request_id in line]
    assert ["_aws" in line for line in logged] == [False, True], "announced once, counted once"
    assert '"streams_broken"' not in logged[0]


def test_the_last_model_may_think_for_longer_than_proxies_wait(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream begins without a token, and comments keep it open."""
    monkeypatch.setattr(live_answer, "QUIET_S", 0.1)
    monkeypatch.setattr(answer_query, "SILENCE_S", 0.2)
    api = make_api(stall_s=0.1)
    api.upstream.script = answering(medium=Reply(parts=[0.8, BEGINS, HALF, chunk({}, "stop")]))
    answer = api.chat(LONG, model="tier-2", stream=True)
    assert answer.text.startswith(": the model has not finished\n\n")
    assert text_of(answer) == "Half an answer"
    [attempt] = record_of(api, answer)["attempts"]
    assert attempt["first_token_ms"] >= 700


def test_a_model_that_thinks_and_then_fails_ends_the_stream_with_an_error(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_query, "SILENCE_S", 0.1)
    api = make_api()
    api.upstream.script = answering(medium=Reply(parts=[0.4, HANG_UP]))
    answer = api.chat(LONG, model="tier-2", stream=True)
    assert (answer.status, events_of(answer)[-1]["error"]["code"]) == (200, "upstream_failed")
    record = record_of(api, answer)
    assert (record["status"], record["attempts"][0]["status"]) == ("failed", "failed")


def test_a_streamed_answer_in_shadow_takes_the_decision_at_its_end(shadow: Api) -> None:
    shadow.upstream.script = answering(router=completion("1"), large=streamed("Right", "."))
    answer = shadow.chat(LONG, stream=True)
    assert text_of(answer) == "Right."
    assert (answer.headers["x-route-tier"], answer.headers["x-route-reason"]) == ("3", "shadow")
    record = record_of(shadow, answer)
    assert (record["status"], record["shadow_tier"], record["shadow_reason"]) == (
        "answered",
        1,
        "router",
    )
    assert [attempt["model"] for attempt in record["attempts"]] == ["openai/router", "openai/large"]
    assert record["shadow_cost_usd"] > 0


@pytest.mark.parametrize(
    ("fields", "status"), [({"stream": True}, 200), ({}, 200), ({"n": 0}, 400)]
)
def test_a_runtime_that_cannot_stream_gets_the_same_form(
    api: Api, monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], status: int
) -> None:
    monkeypatch.setattr(handler, "streaming", Streaming.WHOLE)
    api.upstream.script = answering(medium=streamed("Whole."))
    body = {"messages": [{"role": "user", "content": LONG}], **fields}
    event = api_event("POST", "/v1/chat/completions", body, "rs-client")
    event["resource"] = "/v1/chat/completions"
    response = handler.lambda_handler(event, FakeContext())
    head, _, rest = b"".join(response.pieces()).partition(b"\0" * 8)
    response.finish()
    assert json.loads(head)["statusCode"] == status
    assert (b"Whole." if status == 200 else b"'n' must be greater") in rest
