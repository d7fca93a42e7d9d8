"""What OpenAI's clients send reaches the provider, and its answer is returned."""

import json
from collections.abc import Callable

import pytest

from route_switch.domain.aliases import DEFAULT_ALIASES
from tests.integration.conftest import LONG, Api, MakeApi, by_model
from tests.support.upstream import Body, Reply, completion

TOOL = {
    "type": "function",
    "function": {"name": "tides", "parameters": {"type": "object", "properties": {}}},
}
FIELDS: dict[str, object] = {
    "tools": [TOOL],
    "tool_choice": {"type": "function", "function": {"name": "tides"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    "seed": 7,
    "stop": ["END", "\n\n"],
    "max_tokens": 12,
    "max_completion_tokens": 13,
    "temperature": 0.25,
    "top_p": 0.5,
    "logprobs": True,
    "top_logprobs": 3,
    "logit_bias": {"50256": -100},
    "presence_penalty": 0.5,
    "frequency_penalty": -0.5,
    "user": "u-17",
    "metadata": {"team": "search"},
    "n": 2,
    "reasoning_effort": "low",
    "chat_template_kwargs": {"enable_thinking": False, "nested": [1, None, "ü"]},
    "store": False,
}
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": LONG}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "tides", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "high"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "And this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ],
    },
]
TOOL_CALLS = [
    {"id": "c2", "type": "function", "function": {"name": "tides", "arguments": '{"a": 1}'}},
    {"id": "c3", "type": "function", "function": {"name": "tides", "arguments": "{}"}},
]


def answering(body: dict[str, object]) -> Callable[[Body], Reply]:
    def script(request: Body) -> Reply:
        return completion("2") if request["model"] == "router" else Reply(body)  # type: ignore[arg-type]  # JSON, as a test writes it

    return script


def chat_completion(*choices: dict[str, object], **more: object) -> dict[str, object]:
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    return {"id": "x", "model": "m-2026", "choices": list(choices), "usage": usage, **more}


def events_of(text: str) -> list[dict[str, object]]:
    """Parse a well-formed stream: data lines, each followed by an empty one, a comment with the
    costs, then the end marker."""
    assert text.endswith("data: [DONE]\n\n")
    lines = text.removesuffix("data: [DONE]\n\n").split("\n\n")
    assert lines.pop() == ""
    assert lines.pop().startswith(": route_switch {")
    assert all(line.startswith("data: {") and "\n" not in line for line in lines)
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_reaches_the_provider_unchanged(api: Api, field: str) -> None:
    api.upstream.script = answering(
        chat_completion({"index": 0, "message": {"role": "assistant", "content": "x"}})
    )
    body = {"messages": [{"role": "user", "content": LONG}], field: FIELDS[field]}
    assert api("POST", "/v1/chat/completions", body).status == 200
    sent = api.upstream.calls[-1]
    assert sent == {
        "model": "medium",
        "messages": [{"role": "user", "content": LONG}],
        field: FIELDS[field],
    }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": LONG}]}),
        ("/v1/completions", {"prompt": LONG}),
        ("/v1/responses", {"input": LONG}),
    ],
)
def test_a_field_that_is_not_known_reaches_no_provider(
    api: Api, path: str, said: dict[str, object]
) -> None:
    """It may be one that costs more, such as another name of the output limit."""
    api.upstream.script = answering(
        chat_completion({"index": 0, "message": {"role": "assistant", "content": "x"}})
    )
    answer = api("POST", path, {**said, "n_predict": 99_999, "a secret": [1]})
    assert answer.status == 200
    assert api.upstream.calls[-1].keys() == {"model", "messages"}
    assert answer.headers["x-route-adjusted"] == "unknown fields left out"


def test_no_provider_is_asked_to_store_an_answer(api: Api) -> None:
    api.upstream.script = answering(
        chat_completion({"index": 0, "message": {"role": "assistant", "content": "x"}})
    )
    answer = api.chat(LONG, store=True, metadata={"team": "search"})
    assert api.upstream.calls[-1].keys() == {"model", "messages"}
    assert answer.headers["x-route-adjusted"] == "store left out; metadata left out"


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        *((name, None, name) for name in ("models", "plugins", "preset", "provider", "route")),
        *((name, {}, name) for name in ("transforms", "web_search_options", "api_base")),
        ("tools", [TOOL, {"type": "web_search_20250305", "name": "web_search"}], "tools[1]"),
        ("tools", [{"googleSearch": {}}], "tools[0]"),
    ],
)
def test_what_chooses_a_place_or_a_price_is_refused(
    api: Api, field: str, value: object, param: str
) -> None:
    body = {"messages": [{"role": "user", "content": LONG}], field: value}
    answer = api("POST", "/v1/chat/completions", body)
    assert (answer.status, answer.error["param"]) == (400, param)
    assert answer.error["code"] == "unsupported_parameter"
    assert api.upstream.calls == []


def test_a_conversation_reaches_the_provider_unchanged_with_every_field(api: Api) -> None:
    api.upstream.script = answering(
        chat_completion({"index": 0, "message": {"role": "assistant", "content": "x"}})
    )
    api("POST", "/v1/chat/completions", {"messages": MESSAGES, **FIELDS})
    assert api.upstream.calls[-1] == {"model": "medium", "messages": MESSAGES, **FIELDS}


def test_tool_calls_and_choices_are_returned_unchanged(api: Api) -> None:
    first = {"role": "assistant", "content": None, "tool_calls": TOOL_CALLS}
    second = {"role": "assistant", "content": '{"a": 1}', "annotations": [{"type": "x"}]}
    logprobs = {"content": [{"token": "{", "logprob": -0.1, "bytes": [123], "top_logprobs": []}]}
    given = [
        {"index": 0, "message": first, "finish_reason": "tool_calls", "logprobs": None},
        {"index": 1, "message": second, "finish_reason": "length", "logprobs": logprobs},
    ]
    api.upstream.script = answering(chat_completion(*given, system_fingerprint="fp_1"))
    answer = api.chat(LONG, tools=[TOOL], n=2).body
    assert answer["choices"] == given
    assert answer["system_fingerprint"] == "fp_1"
    assert (answer["object"], answer["model"]) == ("chat.completion", "openai/medium")


def test_usage_is_the_providers_with_all_details(api: Api) -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    message = {"index": 0, "message": {"role": "assistant", "content": "x"}}
    api.upstream.script = answering({**chat_completion(message), "usage": usage})
    assert api.chat(LONG).body["usage"] == usage


def test_a_stream_has_role_text_end_and_usage_once_each(api: Api) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Because.", 11, 7))
    answer = api.chat(LONG, stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-route-tier"] == "2"
    events = events_of(answer.text)
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in events}) == 1
    *said, usage = events
    assert [event["choices"] for event in said] == [
        [_chunk({"role": "assistant", "content": ""})],
        [_chunk({"content": "Because."})],
        [{**_chunk({}), "finish_reason": "stop"}],
    ]
    assert all(event["usage"] is None for event in said)
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    told = usage["route_switch"]
    assert isinstance(told, dict)
    record = api("GET", f"/v1/results/{events[0]['id']}").body
    assert {name: record[name] for name in told} == told
    assert api.upstream.calls[-1]["stream"] is True
    assert api.upstream.calls[-1]["stream_options"] == {"include_usage": True}


def test_a_stream_without_the_option_has_no_usage(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    assert not any("usage" in event for event in events_of(api.chat("hello", stream=True).text))


def test_streamed_tool_calls_have_an_index_and_each_choice_an_end(api: Api) -> None:
    first = {"role": "assistant", "content": None, "tool_calls": TOOL_CALLS}
    given = [
        {"index": 0, "message": first, "finish_reason": "tool_calls"},
        {"index": 1, "message": {"role": "assistant", "content": "no"}, "finish_reason": "stop"},
    ]
    api.upstream.script = answering(chat_completion(*given))
    chunks = [
        choice
        for event in events_of(api.chat(LONG, tools=[TOOL], n=2, stream=True).text)
        for choice in _list(event["choices"])
    ]
    deltas = [chunk["delta"] for chunk in chunks if chunk["index"] == 0]
    assert deltas == [
        {"role": "assistant", "content": None},
        {"tool_calls": [{"index": i, **call} for i, call in enumerate(TOOL_CALLS)]},
        {},
    ]
    ends = {c["index"]: c["finish_reason"] for c in chunks if c["finish_reason"] is not None}
    assert ends == {0: "tool_calls", 1: "stop"}


def test_an_error_of_a_stream_is_an_ordinary_error(api: Api) -> None:
    api.upstream.script = lambda _: Reply({"error": {"message": "no"}}, 500)
    answer = api.chat("hello", stream=True)
    assert (answer.status, answer.error["code"]) == (502, "upstream_failed")


def test_models_are_listed_and_found_by_name(api: Api) -> None:
    listed = [str(model["id"]) for model in _list(api("GET", "/v1/models").body["data"])]
    assert listed == [
        *("auto", "tier-1", "tier-2", "tier-3"),
        *("openai/small", "openai/medium", "openai/large"),
    ]
    for name in (*listed, *DEFAULT_ALIASES):
        for path in (name, name.replace("/", "%2F")):
            assert api("GET", f"/v1/models/{path}").body["id"] == name
    missing = api("GET", "/v1/models/llama-99")
    assert (missing.status, missing.error["code"]) == (404, "model_not_found")
    assert api("GET", "/v1/models/openai/large", key="rs-small-only").status == 403


def test_the_headers_explain_the_decision_and_more_on_request(make_api: MakeApi) -> None:
    api = make_api()
    api.upstream.script = by_model(router=completion("Tier 2."), medium=completion("Because."))
    small = api.chat(LONG).headers
    assert {name for name in small if name.startswith("x-")} == {
        *("x-request-id", "x-route-tier", "x-route-reason", "x-route-model"),
        *("x-route-prompt-version", "x-route-cost-usd", "x-route-saved-usd"),
        *("x-route-saved-estimated", "x-route-overhead-ms", "x-route-session", "x-route-profile"),
    }
    headers = api.chat(LONG, headers={"x-route-debug": "1"}).headers
    assert json.loads(headers["x-route-router-reply"]) == "Tier 2."
    estimates = json.loads(headers["x-route-estimated-cost-usd"])
    assert 0 < estimates["1"] < estimates["2"] < estimates["3"]
    attempts = json.loads(headers["x-route-attempts"])
    assert [(a["model"], a["tier"], a["status"]) for a in attempts] == [
        ("openai/router", None, "answered"),
        ("openai/medium", 2, "answered"),
    ]


def _chunk(delta: dict[str, object]) -> dict[str, object]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}


def _list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
