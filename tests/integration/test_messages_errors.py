"""What Anthropic's clients see when a request is refused or fails."""

import json
from typing import Any

import anthropic
import pytest

from tests.integration.conftest import CLIENT_KEY, HANDLERS, LONG, Api, MakeApi, by_model
from tests.integration.messages_client import (
    PATH,
    WEATHER,
    ask,
    client_of,
    create,
    events_of,
    streamed_by,
)
from tests.support.context import FakeContext
from tests.support.events import api_event
from tests.support.upstream import (
    HANG_UP,
    Reply,
    chunk,
    completion,
    failure,
)

NAME_OF_CHOICE = "tool_choice.name"
TWO_YEARS = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "2y"}}


def png(data: str) -> dict[str, Any]:
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": data},
    }


@pytest.fixture
def sdk(api: Api) -> anthropic.Anthropic:
    return client_of(api)


def test_an_answer_that_breaks_off_ends_in_an_error_event(api: Api) -> None:
    broken = Reply(parts=[chunk({"content": "Half"}), HANG_UP])
    api.upstream.script = by_model(small=broken)
    error = events_of(ask(api, stream=True))[-1]
    assert error["type"] == "error"
    assert error["error"]["type"] == "api_error"
    assert "incomplete" in error["error"]["message"]


def test_the_sdk_raises_for_an_answer_that_breaks_off(api: Api, sdk: anthropic.Anthropic) -> None:
    api.upstream.script = by_model(small=Reply(parts=[chunk({"content": "Half"}), HANG_UP]))
    with pytest.raises(anthropic.APIStatusError, match="incomplete"):
        streamed_by(sdk)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"mcp_servers": [{"type": "url"}]}, "mcp_servers"),
        ({"container": "c"}, "container"),
        ({"fallbacks": [{"model": "x"}]}, "fallbacks"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"speed": "fast"}, "speed"),
        ({"seed": 1}, "seed"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "wether"}}, NAME_OF_CHOICE),
        ({"tool_choice": {"type": "tool", "name": "weather"}}, NAME_OF_CHOICE),
        ({"cache_control": {"type": "ephemeral", "ttl": "2y"}}, "cache_control.ttl"),
        ({"system": [TWO_YEARS]}, "cache_control.ttl"),
        ({"tools": [{**WEATHER, "cache_control": {"type": "lasting"}}]}, "cache_control.type"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0]"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools[0]"),
        ({"tools": [{"name": "x"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "tool"}, "tools": [WEATHER]}, "tool_choice.name"),
        ({"max_tokens": None}, "max_tokens"),
        ({"temperature": 1.5}, "temperature"),
        ({"thinking": {"type": "sometimes"}}, "thinking.type"),
        ({"system": 3}, "system"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"route_switch": {"min_tier": 3, "max_tier": 1}}, "route_switch.min_tier"),
        ({"route_switch": {"x": 1}}, "route_switch.x"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(
    api: Api, fields: dict[str, Any], param: str
) -> None:
    answer = ask(api, **fields)
    assert answer.status == 400, answer.text
    assert answer.body["type"] == "error"
    details = answer.error["details"]
    assert isinstance(details, dict)
    assert (answer.error["type"], details["param"]) == ("invalid_request_error", param)
    assert param.rpartition(".")[2] in str(answer.error["message"])
    assert api.upstream.calls == []


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "text"}, "messages[0].content[0].text"),
        ({"type": "image"}, "messages[0].content[0].source"),
        (
            {"type": "image", "source": {"type": "file", "file_id": "f"}},
            "messages[0].content[0].source",
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "u"}},
            "messages[0].content[0].source",
        ),
        ({"type": "container_upload", "file_id": "f"}, "messages[0].content[0]"),
        ({"type": "search_result"}, "messages[0].content[0]"),
        ({"type": "tool_result"}, "messages[0].content[0].tool_use_id"),
        ({"type": "tool_result", "tool_use_id": "t1"}, "messages[0].content[0].tool_use_id"),
        (png("not base64!"), "messages[0].content[0].source.data"),
        (png("iVBORw0KGg"), "messages[0].content[0].source.data"),
        (png(""), "messages[0].content[0].source.data"),
        ({**png("AAA"), "type": "document"}, "messages[0].content[0].source.data"),
        ({"text": "x"}, "messages[0].content[0].type"),
        ("x", "messages[0].content[0]"),
    ],
)
def test_a_block_that_cannot_be_translated_is_refused_by_its_place(
    api: Api, block: Any, place: str
) -> None:
    answer = ask(api, [block])
    assert answer.status == 400
    details = answer.error["details"]
    assert isinstance(details, dict)
    assert details["param"] == place


def test_base64_in_lines_is_accepted(api: Api) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Seen."))
    assert ask(api, [png("iVBO\nRw0K\n"), {"type": "text", "text": LONG}]).status == 200


def test_a_result_may_come_some_turns_after_its_call(api: Api) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Sun."))
    call = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
    turns = [
        {"role": "user", "content": LONG},
        {"role": "assistant", "content": [call, {**call, "id": "t2"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t2"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]},
    ]
    assert ask(api, messages=turns).status == 200
    answer = ask(api, messages=turns[:1] + turns[2:])
    assert answer.status == 400
    assert "'messages[1].content[0].tool_use_id' is not the id of an earlier 'tool_use'" in (
        answer.text
    )


def test_a_name_that_is_not_known_is_called_unsupported(api: Api) -> None:
    assert ask(api, seed=1).error["message"] == "'seed' is not supported here. Remove it."


def test_a_request_can_be_counted_with_its_options(api: Api) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}]}
    plain = api("POST", f"{PATH}/count_tokens", body)
    routed = api("POST", f"{PATH}/count_tokens", {**body, "route_switch": {"max_tier": 1}})
    assert (routed.status, routed.body) == (200, plain.body)
    refused = api("POST", f"{PATH}/count_tokens", {**body, "route_switch": {"max_tear": 1}})
    assert refused.status == 400


def test_counting_tokens_needs_a_key(api: Api) -> None:
    client = client_of(api, api_key="rs-unknown")
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.count_tokens(model="auto", messages=[{"role": "user", "content": "hi"}])


def test_a_key_may_be_a_bearer_token(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    assert create(client_of(api, api_key=None, auth_token=CLIENT_KEY)).content[0].text == "Hi."
    other = {"x-api-key": "sk-ant-of-another-service"}
    both = client_of(api, api_key=None, auth_token=CLIENT_KEY, default_headers=other)
    assert create(both).content[0].text == "Hi."


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (400, anthropic.BadRequestError),
    ],
)
def test_errors_of_models_are_errors_of_the_sdk(
    api: Api, sdk: anthropic.Anthropic, status: int, error: type[anthropic.APIStatusError]
) -> None:
    api.upstream.script = lambda _: failure(status)
    with pytest.raises(error) as raised:
        create(sdk)
    assert raised.value.request_id
    body = raised.value.body
    assert isinstance(body, dict)
    assert body["request_id"] == raised.value.request_id


@pytest.mark.parametrize("model", ["tier-9", "unknown/model"])
def test_an_unknown_model_is_not_found(api: Api, sdk: anthropic.Anthropic, model: str) -> None:
    with pytest.raises(anthropic.NotFoundError) as raised:
        create(sdk, model=model)
    assert raised.value.type == "not_found_error"


def test_what_is_not_json_is_refused_in_this_form(api: Api) -> None:
    for body in ("{", "[]", '{"messages": "\\ud83d"}'):
        answer = api("POST", PATH, body)
        assert (answer.status, answer.body["type"]) == (400, "error")


def test_an_unknown_path_below_it_has_this_form(api: Api) -> None:
    answer = api("POST", f"{PATH}/batches", {})
    assert (answer.status, answer.error["type"]) == (404, "not_found_error")
    assert answer.headers["request-id"]


def test_an_idempotency_key_belongs_to_one_protocol(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    again = {"Idempotency-Key": "order-17"}
    fields: dict[str, Any] = {"max_tokens": 100}
    assert api.chat("hello", headers=again, **fields).status == 200
    answer = ask(api, headers=again)
    assert answer.status == 400
    assert answer.error["details"] == {
        "error_code": "idempotency_key_reused",
        "param": "Idempotency-Key",
    }


def test_another_method_has_this_form(api: Api) -> None:
    """API Gateway sends other methods to the function for everything else."""
    answer = HANDLERS["management"](api_event("GET", PATH), FakeContext())
    assert answer["statusCode"] == 404
    assert json.loads(str(answer["body"]))["error"]["type"] == "not_found_error"


def test_the_sdk_does_not_repeat_what_every_model_refused(api: Api) -> None:
    api.upstream.script = lambda _: failure(500)
    with pytest.raises(anthropic.InternalServerError):
        create(client_of(api, max_retries=2), content=LONG)
    once = ["router", "medium", "large", "small", "small-2"]
    assert sorted(map(str, api.upstream.models_called())) == sorted(once)


def test_a_body_that_is_too_long_is_refused(make_api: MakeApi) -> None:
    api = make_api(max_body_bytes=1000)
    with pytest.raises(anthropic.RequestTooLargeError) as raised:
        create(client_of(api), content="x" * 1000)
    assert str(raised.value.type) == "request_too_large"


def test_a_defect_is_reported_in_this_form(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("route_switch.services.route_request.RouteRequest.chat")
    answer = ask(api)
    assert (answer.status, answer.error["type"]) == (500, "api_error")
    assert "log" in str(answer.error["message"])
