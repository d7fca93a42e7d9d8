"""For any bad input, the response is an OpenAI-shaped error with the right status."""

import base64
import json
from pathlib import Path

import boto3
import pytest

from functions.router import handler
from tests.integration.conftest import CLIENT_KEY, LONG, Api, MakeApi, by_model, record_of
from tests.support.context import FakeContext
from tests.support.events import api_event
from tests.support.upstream import completion

HELLO = [{"role": "user", "content": "hello"}]


def nested(depth: int, name: str = "x") -> object:
    value: object = "end"
    for _ in range(depth):
        value = {name: value}
    return value


def error_of(answer_body: dict[str, object]) -> dict[str, object]:
    assert set(answer_body) == {"error"}
    error = answer_body["error"]
    assert isinstance(error, dict)
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert "Traceback" not in str(error)
    return error


PART_TYPE = "messages[0].content[0].type"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ("{not json", 400, None),
        ("", 400, None),
        ("[]", 400, None),
        ('"text"', 400, None),
        ("[" * 100_000, 400, None),
        ({"messages": HELLO, "x": nested(300)}, 400, "x"),
        ({"messages": HELLO, "tools": [{"function": nested(120, "a secret name")}]}, 400, "tools"),
        ({"messages": [{"role": "user", "content": "hi", "x": nested(230)}]}, 400, "messages"),
        ({"messages": HELLO, "n" * 300: 1}, 400, "n" * 50 + "…"),
        ({"messages": HELLO, "metadata": {"n" * 300: "1"}}, 400, "metadata"),
        ({"messages": HELLO, **{f"x{n}": n for n in range(250)}}, 400, None),
        ('{"messages": NaN}', 400, None),
        ('{"messages": [], "temperature": 1e999}', 400, None),
        ('{"messages": [{"role": "user", "content": "\\ud800"}]}', 400, None),
        ({}, 400, "messages"),
        ({"messages": []}, 400, "messages"),
        ({"messages": "hello"}, 400, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, 400, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, 400, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, 400, "messages[0].content"),
        ({"messages": [{"role": "user", "content": {"text": "x"}}]}, 400, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, 400, PART_TYPE),
        ({"messages": [{"role": "user", "content": [{"type": 5}]}]}, 400, PART_TYPE),
        ({"messages": [{"role": "user", "content": ["x"]}]}, 400, "messages[0].content[0]"),
        ({"messages": [*HELLO, 7]}, 400, "messages[1]"),
        ({"messages": HELLO, "model": 5}, 400, "model"),
        ({"messages": HELLO, "model": "llama-99"}, 404, "model"),
        ({"messages": HELLO, "model": ""}, 404, "model"),
        ({"messages": HELLO, "max_tokens": "many"}, 400, "max_tokens"),
        ({"messages": HELLO, "max_tokens": 0}, 400, "max_tokens"),
        ({"messages": HELLO, "temperature": 9}, 400, "temperature"),
        ({"messages": HELLO, "user": {"id": 1}}, 400, "user"),
        ({"messages": HELLO, "user": "u" * 257}, 400, "user"),
        ({"messages": HELLO, "stream": "yes"}, 400, "stream"),
        ({"messages": HELLO, "stream_options": {}}, 400, "stream_options"),
        ({"messages": HELLO, "n": 0}, 400, "n"),
        ({"messages": HELLO, "max_tokens": 10**400}, 400, "max_tokens"),
        ({"messages": HELLO, "user": ""}, 400, "user"),
        ({"messages": HELLO, "stream": True, "route_switch": {"dry_run": True}}, 400, "stream"),
        ({"messages": HELLO, "tools": {}}, 400, "tools"),
        ({"messages": HELLO, "base_url": "https://example.org"}, 400, "base_url"),
        ({"messages": HELLO, "provider": {"order": ["x"]}}, 400, "provider"),
        ({"messages": HELLO, "input_cost_per_token": 0}, 400, "input_cost_per_token"),
        ({"messages": HELLO, "service_tier": "priority"}, 400, "service_tier"),
        ({"messages": HELLO, "route_switch": {"price": 0}}, 400, "route_switch.price"),
        ({"messages": HELLO, "route_switch": {"min_tier": 4}}, 400, "route_switch.min_tier"),
        (
            {"messages": HELLO, "route_switch": {"min_tier": 3, "max_tier": 2}},
            400,
            "route_switch.min_tier",
        ),
        ({"messages": [{"role": "user", "content": "x" * 5_000_000}]}, 413, None),
    ],
)
def test_an_invalid_request_gets_an_explanation_and_leaves_no_record(
    api: Api, body: object, status: int, param: str | None
) -> None:
    answer = api("POST", "/v1/chat/completions", body)
    assert answer.status == status
    error = error_of(answer.body)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert "x-request-id" in answer.headers
    assert api.upstream.calls == []
    assert boto3.client("dynamodb").scan(TableName="results")["Items"] == []


def test_bytes_that_are_not_utf_8_are_refused(api: Api) -> None:
    event = api_event("POST", "/v1/chat/completions", "", CLIENT_KEY)
    body = b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}'
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    response = handler.lambda_handler(event, FakeContext())
    assert response["statusCode"] == 400
    assert error_of(json.loads(str(response["body"])))["code"] == "invalid_encoding"


@pytest.mark.parametrize("key", [None, "", "rs-wrong"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/route"),
        ("GET", "/v1/results/x"),
        ("GET", "/v1/models"),
    ],
)
def test_without_a_valid_key_nothing_is_revealed(
    api: Api, method: str, path: str, key: str | None
) -> None:
    answer = api(method, path, {"messages": HELLO}, key)
    assert answer.status == 401
    assert error_of(answer.body)["code"] == "invalid_api_key"


def test_an_unknown_result_and_an_unknown_url_are_not_found(api: Api) -> None:
    assert error_of(api("GET", "/v1/results/chatcmpl-0").body)["code"] == "result_not_found"
    assert error_of(api("GET", "/v2/nothing").body)["code"] == "unknown_url"


def test_a_defect_reveals_neither_its_trace_nor_the_request(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("the text of the request")

    monkeypatch.setattr("route_switch.services.route_request.query_of", broken)
    answer = api.chat("hello")
    assert answer.status == 500
    assert "text of the request" not in str(answer.body)
    assert error_of(answer.body)["code"] == "internal_error"
    assert answer.headers["x-should-retry"] == "false", "a repeat may pay for the same defect again"


def test_unknown_fields_and_extra_message_fields_are_accepted(api: Api) -> None:
    api.upstream.script = lambda _: completion("Hi.")
    messages = [{"role": "user", "content": "hello", "name": "Ada", "surprise": [1]}]
    assert api.chat("", messages=messages, surprise={"a": 1}).status == 200


def test_the_sample_events_are_handled(make_api: MakeApi) -> None:
    api = make_api()
    api.upstream.script = lambda _: completion("2")
    for file in Path("events/router").glob("*.json"):
        text = file.read_text("utf-8").replace("${API_KEY}", CLIENT_KEY)
        response = handler.lambda_handler(json.loads(text), FakeContext())
        expected = 404 if file.stem == "result" else 200
        assert response["statusCode"] == expected, file


def test_health_needs_no_key_and_no_aws(api: Api) -> None:
    assert api("GET", "/health", key=None).body == {"status": "ok"}


def test_the_models_are_auto_the_tiers_and_their_models(api: Api) -> None:
    data = api("GET", "/v1/models").body["data"]
    assert isinstance(data, list)
    ids = [model["id"] for model in data]
    assert ids == [
        "auto",
        "tier-1",
        "tier-2",
        "tier-3",
        "openai/small",
        "openai/medium",
        "openai/large",
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"messages": [{"role": "user", "content": {"a": 1}}]},
            "a text or a list of content parts",
        ),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "it needs a 'type'"),
        ({"messages": HELLO, "service_tier": "flex"}, "the owner of this router decides"),
    ],
)
def test_a_common_mistake_is_explained(api: Api, fields: dict[str, object], words: str) -> None:
    message = error_of(api("POST", "/v1/chat/completions", fields).body)["message"]
    assert words in str(message)


def test_an_answer_that_lambda_cannot_return_is_paid_recorded_and_not_asked_for_again(
    api: Api,
) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("x" * 7_000_000))
    answer = api.chat(LONG)
    assert (answer.status, answer.error["code"]) == (502, "answer_too_long")
    assert answer.headers["x-should-retry"] == "false"
    record = record_of(api, answer.headers["x-request-id"])
    assert record["status"] == "answered"
    assert answer.headers["x-route-cost-usd"] == f"{record['cost_usd']:.9f}"
