"""The Responses API end to end: OpenAI's types read it, and what it does not keep is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import LONG, Answer, Api, by_model
from tests.support.response_reading import read_response, read_response_stream
from tests.support.upstream import (
    DONE,
    HANG_UP,
    Reply,
    chunk,
    completion,
    failure,
    streamed,
    usage_chunk,
)

Json = Any  # requests and responses, which are read at many places
CODEX: list[Json] = json.loads(
    Path(__file__).with_name("recorded").joinpath("codex.json").read_text("utf-8")
)
CALL = {"id": "call_7", "type": "function"}
DELTAS: list[Json] = [
    {"role": "assistant", "content": None},
    {"reasoning_content": "The Moon"},
    {"reasoning_content": " pulls."},
    {"content": "I "},
    {"content": "look."},
    {"tool_calls": [{"index": 0, **CALL, "function": {"name": "weather", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ' "Bern"}'}}]},
]
SPOKEN = Reply(parts=[*map(chunk, DELTAS), chunk({}, "tool_calls"), usage_chunk(), DONE])
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def ask(api: Api, **fields: Json) -> Answer:
    return api("POST", "/v1/responses", {"model": "auto", "input": LONG, **fields})


def body_of(answer: Answer) -> Json:
    return answer.body


def of_tiers(api: Api) -> Json:
    """Return the last request to a tier's model."""
    return [call for call in api.upstream.calls if call["model"] != "router"][-1]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_a_response(api: Api, stream: bool) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Because."))
    answer = ask(api, instructions="Be brief.", stream=stream)
    response = (read_response_stream if stream else read_response)(answer.text)
    assert response["id"] == answer.headers["x-request-id"]
    assert response["id"].startswith("resp_")
    assert response["model"] == "openai/medium"
    assert [part["text"] for part in response["output"][0]["content"]] == ["Because."]
    assert response["usage"]["total_tokens"] == 18
    assert response["instructions"] == "Be brief."
    assert answer.headers["x-route-tier"] == "2"
    record = api("GET", f"/v1/results/{response['id']}").body
    assert (record["status"], record["answer_text"]) == ("answered", "Because.")


def test_events_come_in_openais_order(api: Api) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=SPOKEN)
    answer = ask(api, stream=True, tools=[WEATHER])
    response = read_response_stream(answer.text)
    events = [line for line in answer.text.split("\n") if line.startswith("event: ")]
    assert [event.removeprefix("event: response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert response["output"][2]["arguments"] == '{"city": "Bern"}'
    assert response["route_switch"]["cost_usd"] > 0


def test_a_stream_that_breaks_off_fails_the_response(api: Api) -> None:
    half = Reply(parts=[chunk({"content": "Half"}), HANG_UP])
    api.upstream.script = by_model(router=completion("2"), medium=half)
    answer = ask(api, stream=True)
    failed = read_response_stream(answer.text)
    assert answer.status == 200
    assert (failed["status"], failed["error"]["code"]) == ("failed", "server_error")
    assert '"code":"upstream_failed"' in answer.text


def test_errors_have_openais_form(api: Api) -> None:
    api.upstream.script = lambda body: failure(500)
    for answer, status, code in (
        (ask(api), 502, "upstream_failed"),
        (ask(api, stream=True), 502, "upstream_failed"),
        (ask(api, store=True), 400, "unsupported_parameter"),
        (ask(api, model="none"), 404, "model_not_found"),
        (api("POST", "/v1/responses", "{"), 400, "invalid_json"),
        (api("POST", "/v1/responses", {"input": "a"}, key="rs-no"), 401, "invalid_api_key"),
    ):
        assert (answer.status, answer.error["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("POST", "/v1/responses/input_tokens"),
        ("POST", "/v1/responses/compact"),
        ("POST", "/v1/responses/resp_1/cancel"),
    ],
)
def test_nothing_is_stored(api: Api, method: str, path: str) -> None:
    answer = api(method, path, {} if method == "POST" else None)
    assert (answer.status, answer.error["code"]) == (404, "not_stored")
    assert "stores no responses" in str(answer.error["message"])
    assert api(method, path, key="rs-no").status == 401


def test_a_dry_run_decides_and_answers_nothing(api: Api) -> None:
    api.upstream.script = by_model(router=completion("3"))
    response = body_of(ask(api, route_switch={"dry_run": True}))
    assert response["output"] == []
    assert response["route_switch"]["tier"] == 3


@pytest.mark.parametrize("stream", [False, True])
def test_a_retry_gets_the_same_response(api: Api, stream: bool) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Because."))
    body, headers = {"input": LONG, "stream": stream}, {"idempotency-key": "k1"}
    first = api("POST", "/v1/responses", body, headers=headers)
    again = api("POST", "/v1/responses", body, headers=headers)
    assert first.text == again.text
    assert again.headers["idempotent-replayed"] == "true"
    chat = {"messages": [{"role": "user", "content": LONG}]}
    other = api("POST", "/v1/chat/completions", chat, headers=headers)
    assert (other.status, other.error["code"]) == (400, "idempotency_key_reused")


def calling(name: str, arguments: str) -> Reply:
    function = {"name": name, "arguments": arguments}
    delta: Json = {"tool_calls": [{"index": 0, **CALL, "function": function}]}
    return Reply(parts=[chunk(delta), chunk({}, "tool_calls"), usage_chunk(), DONE])


CODEX_CALLS = {
    "exec_command": '{"cmd": "ls"}',
    "apply_patch": '{"input": "*** Begin Patch"}',
    "tool_search": '{"query": "mail"}',
    "functions__exec": '{"input": "text(1)"}',
}


@pytest.mark.parametrize("recorded", CODEX, ids=lambda recorded: recorded["about"])
def test_codex_is_answered(api: Api, recorded: Json) -> None:
    """The requests that Codex 0.171.0 makes, with other texts."""
    for turn in recorded["turns"]:
        api.upstream.script = by_model(router=completion("1"), small=streamed("Done."))
        answer = api("POST", "/v1/responses", turn, headers=recorded["headers"])
        assert answer.status == 200, answer.text
        assert read_response_stream(answer.text)["output"][0]["content"][0]["text"] == "Done."
        sent = of_tiers(api)
        assert [m["role"] for m in sent["messages"]][:3] == ["system", "user", "user"]
        assert sent["prompt_cache_key"] == turn["prompt_cache_key"]


@pytest.mark.parametrize("recorded", CODEX, ids=lambda recorded: recorded["about"])
def test_codexs_tools_are_called_by_its_own_names(api: Api, recorded: Json) -> None:
    turn = recorded["turns"][0]
    sent: set[str] = set()
    for name, arguments in CODEX_CALLS.items():
        api.upstream.script = by_model(router=completion("1"), small=calling(name, arguments))
        answer = api("POST", "/v1/responses", turn, headers=recorded["headers"])
        sent = {tool["function"]["name"] for tool in of_tiers(api)["tools"]}
        [item] = read_response_stream(answer.text)["output"]
        if name in sent:
            assert item["type"] == _KINDS[name]
    assert sent & CODEX_CALLS.keys()


_KINDS = {
    "exec_command": "function_call",
    "apply_patch": "custom_tool_call",
    "tool_search": "tool_search_call",
    "functions__exec": "custom_tool_call",
}


def text_of(answer: Answer) -> str:
    lines = [line for line in answer.text.split("\n\n") if line.startswith("data: {")]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    return "".join(choice["text"] for event in events for choice in event["choices"])


@pytest.mark.parametrize("echo", [False, True])
def test_a_legacy_completion_is_answered_whole_and_streamed(api: Api, echo: bool) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=streamed("They ", "rise."))
    body = {"model": "auto", "prompt": [LONG], "max_tokens": 9, "echo": echo}
    expected = f"{LONG if echo else ''}They rise."
    whole = body_of(api("POST", "/v1/completions", body))
    assert (whole["object"], whole["id"][:5]) == ("text_completion", "cmpl-")
    assert whole["choices"] == [
        {"text": expected, "index": 0, "logprobs": None, "finish_reason": "stop"}
    ]
    options = {"stream": True, "stream_options": {"include_usage": True}}
    live = api("POST", "/v1/completions", {**body, **options})
    assert text_of(live) == expected
    assert live.text.endswith("data: [DONE]\n\n")
    assert '"total_tokens":18' in live.text
    assert of_tiers(api)["messages"] == [{"role": "user", "content": LONG}]


def test_legacy_log_probabilities_have_their_form(api: Api) -> None:
    whole: Json = completion("AB").body
    top = [{"token": "B", "logprob": -2.0}]
    tokens = [{"token": "A", "logprob": -0.5, "top_logprobs": top}, {"token": "B", "logprob": -1.0}]
    whole["choices"][0]["logprobs"] = {"content": tokens}
    api.upstream.script = by_model(router=completion("2"), medium=Reply(whole))
    body = {"prompt": LONG, "logprobs": 1, "echo": True}
    [choice] = body_of(api("POST", "/v1/completions", body))["choices"]
    assert choice["logprobs"] == {
        "tokens": ["A", "B"],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": [{"B": -2.0}, {}],
        "text_offset": [len(LONG), len(LONG) + 1],
    }
    assert (of_tiers(api)["logprobs"], of_tiers(api)["top_logprobs"]) == (True, 1)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"suffix": "end"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"tools": [WEATHER]}, "tools"),
        ({"messages": [{"role": "user", "content": "a"}]}, "messages"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_a_legacy_completion_refuses_by_name(api: Api, fields: Json, param: str) -> None:
    answer = api("POST", "/v1/completions", {"prompt": "a", **fields})
    assert (answer.status, answer.error["param"]) == (400, param)
