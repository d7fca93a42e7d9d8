"""Anthropic's Messages API: the same routing, in the shapes of Anthropic's clients."""

import json
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message, TextBlock

from tests.integration.conftest import CLIENT_KEY, LONG, Answer, Api, by_model
from tests.support.upstream import (
    DONE,
    HANG_UP,
    Body,
    Reply,
    chunk,
    completion,
    failure,
    streamed,
    usage_chunk,
)

PATH = "/v1/messages"
WEATHER = {
    "name": "weather",
    "description": "Tell the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def ask(
    api: Api, content: Any = "hello", headers: dict[str, str] | None = None, **fields: Any
) -> Answer:
    messages = [{"role": "user", "content": content}]
    body = {"model": "auto", "max_tokens": 100, "messages": messages, **fields}
    return api("POST", PATH, body, headers=headers)


def said(**message: Any) -> Reply:
    reply = completion("")
    assert isinstance(reply.body, dict)
    reason = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return Reply({**reply.body, "choices": [choice]})


def call_of(name: str, arguments: str, id_: str = "call_1") -> Any:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def events_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the events, each of which names its type twice."""
    found = []
    for event in answer.text.split("\n\n")[:-1]:
        name, data = event.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def types_of(answer: Answer) -> list[str]:
    return [event["type"] for event in events_of(answer)]


@pytest.fixture
def sdk(api: Api) -> anthropic.Anthropic:
    """Anthropic's client, whose requests the handler answers in this process."""
    return client_of(api)


def client_of(api: Api, **options: Any) -> anthropic.Anthropic:
    def handle(request: httpx2.Request) -> httpx2.Response:
        path = request.url.raw_path.decode()
        body = request.content.decode() or None
        answer = api(request.method, path, body, key=None, headers=dict(request.headers))
        return httpx2.Response(answer.status, headers=answer.headers, text=answer.text)

    transport = httpx2.MockTransport(handle)
    given = {"api_key": CLIENT_KEY, "max_retries": 0, **options}
    return anthropic.Anthropic(
        base_url="http://router", http_client=httpx2.Client(transport=transport), **given
    )


def create(sdk: anthropic.Anthropic, **fields: Any) -> Any:
    return sdk.messages.create(**request(**fields))


def request(content: Any = "hello", **fields: Any) -> Any:
    messages = [{"role": "user", "content": content}]
    return {"model": "auto", "max_tokens": 100, "messages": messages, **fields}


def streamed_by(sdk: anthropic.Anthropic, **fields: Any) -> Message:
    with sdk.messages.stream(**request(**fields)) as stream:
        return stream.get_final_message()


def test_a_message_is_answered(api: Api, sdk: anthropic.Anthropic) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    message = create(sdk)
    assert (message.type, message.role, message.model) == ("message", "assistant", "openai/small")
    assert message.id.startswith("msg_")
    assert message.content == [TextBlock(type="text", text="Hi.")]
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (11, 7)
    [call] = api.upstream.calls
    assert call["messages"] == [{"role": "user", "content": "hello"}]
    assert call["max_tokens"] == 100


def test_it_is_routed_and_recorded_like_any_other_request(
    api: Api, sdk: anthropic.Anthropic
) -> None:
    api.upstream.script = by_model(router=completion("2"), medium=completion("Because."))
    raw = sdk.messages.with_raw_response.create(**request(LONG, metadata={"user_id": "u-1"}))
    assert raw.headers["x-route-tier"] == "2"
    assert raw.headers["request-id"] == raw.headers["x-request-id"] == raw.parse().id
    record = api("GET", f"/v1/results/{raw.headers['x-request-id']}").body
    assert record["answer_text"] == "Because."
    assert api.upstream.models_called() == ["router", "medium"]


def test_a_streamed_message_is_the_whole_message(api: Api, sdk: anthropic.Anthropic) -> None:
    calls = [call_of("weather", '{"city": "Bern"}'), call_of("weather", "{}", "call_2")]
    api.upstream.script = by_model(
        small=said(content="Let me see.", reasoning_content="Which city?", tool_calls=calls)
    )
    whole, stream = create(sdk, tools=[WEATHER]), streamed_by(sdk, tools=[WEATHER])
    assert [b.to_dict() for b in stream.content] == [b.to_dict() for b in whole.content]
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert whole.content[2].input == {"city": "Bern"}
    assert stream.stop_reason == whole.stop_reason == "tool_use"
    assert stream.usage == whole.usage


def test_the_events_of_a_stream_come_in_their_order(api: Api) -> None:
    api.upstream.script = by_model(small=streamed("Hel", "lo."))
    answer = ask(api, stream=True)
    assert answer.headers["content-type"] == "text/event-stream"
    assert types_of(answer) == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 2,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events_of(answer)[-2]["usage"]["output_tokens"] == 7
    assert events_of(answer)[-2]["route_switch"]["tier"] == 1


def test_pieces_of_parallel_calls_that_alternate_become_one_block_each(
    api: Api, sdk: anthropic.Anthropic
) -> None:
    def piece(index: int, arguments: str, **more: Any) -> Any:
        function = {"arguments": arguments, **more}
        begins = {"id": f"call_{index}", "type": "function"} if more else {}
        return chunk({"tool_calls": [{"index": index, "function": function, **begins}]})

    parts = [
        piece(0, '{"ci', name="weather"),
        piece(1, '{"city": ', name="weather"),
        piece(0, 'ty": "Bern"}'),
        piece(1, '"Oslo"}'),
        chunk({"content": "Both."}),
        chunk({}, "tool_calls"),
        usage_chunk(),
        DONE,
    ]
    api.upstream.script = by_model(small=Reply(parts=parts))
    message = streamed_by(sdk, tools=[WEATHER])
    assert [block.type for block in message.content] == ["tool_use", "tool_use", "text"]
    assert [block.to_dict().get("input") for block in message.content] == [
        {"city": "Bern"},
        {"city": "Oslo"},
        None,
    ]


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


def test_a_conversation_with_tools_is_translated(api: Api, sdk: anthropic.Anthropic) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Sunny."))
    image = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    mark = {"type": "ephemeral", "ttl": "1h"}
    create(
        sdk,
        system=[{"type": "text", "text": "Be brief.", "cache_control": mark}],
        messages=[
            {"role": "user", "content": [{"type": "image", "source": image}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "xyz"},
                    {"type": "text", "text": "Looking."},
                    {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "B"}},
                    {"type": "tool_use", "id": "t2", "name": "weather", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t2",
                        "content": "No city",
                        "is_error": True,
                    },
                    {
                        "type": "tool_result",
                        "tool_use_id": "t1",
                        "content": [
                            {"type": "text", "text": "Sun"},
                            {"type": "image", "source": image},
                        ],
                    },
                    {"type": "text", "text": "Go on."},
                ],
            },
            {"role": "system", "content": "Answer in German."},
        ],
        tools=[{**WEATHER, "cache_control": mark}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
    )
    sent = api.upstream.calls[-1]
    assert isinstance(sent["messages"], list)
    system, user, assistant, failed, sun, shown, late = sent["messages"]
    url = {"url": "data:image/png;base64,AAAA"}
    assert system == {
        "role": "system",
        "content": [{"type": "text", "text": "Be brief.", "cache_control": mark}],
    }
    assert user == {"role": "user", "content": [{"type": "image_url", "image_url": url}]}
    assert assistant["content"] == "Looking."
    assert assistant["thinking_blocks"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
    ]
    assert [call["function"] for call in assistant["tool_calls"]] == [
        {"name": "weather", "arguments": '{"city": "B"}'},
        {"name": "weather", "arguments": "{}"},
    ]
    assert (failed["tool_call_id"], sun["tool_call_id"]) == ("t2", "t1")
    assert [part["text"] for part in failed["content"]] == ["The tool failed.", "No city"]
    assert sun["content"][0]["text"] == "Sun"
    assert shown["content"][1] == {"type": "image_url", "image_url": url}
    assert shown["content"][-1] == {"type": "text", "text": "Go on."}
    assert late == {"role": "system", "content": "Answer in German."}
    [tool] = sent["tools"]
    assert tool["function"]["parameters"] == WEATHER["input_schema"]
    assert tool["cache_control"] == mark
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ("required", False)


def test_parameters_have_their_names_in_chat(api: Api, sdk: anthropic.Anthropic) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    schema = {"type": "object", "properties": {}}
    create(
        sdk,
        extra_body={"temperature": 0.5, "top_p": 0.9, "top_k": 5},
        stop_sequences=["END"],
        thinking={"type": "enabled", "budget_tokens": 2048},
        output_config={"format": {"type": "json_schema", "schema": schema}},
        metadata={"user_id": "u-1"},
        service_tier="standard_only",
    )
    sent = api.upstream.calls[-1]
    form = {"name": "answer", "schema": schema, "strict": True}
    expected = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stop": ["END"],
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": form},
        "user": "u-1",
    }
    assert {name: sent.get(name) for name in expected} == expected
    assert "service_tier" not in sent


@pytest.mark.parametrize(
    ("effort", "sent"), [("low", "low"), ("medium", "medium"), ("xhigh", "high"), ("max", "high")]
)
def test_effort_is_one_that_every_model_knows(
    api: Api, sdk: anthropic.Anthropic, effort: str, sent: str
) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    create(sdk, output_config={"effort": effort}, thinking={"type": "adaptive"})
    assert api.upstream.calls[-1]["reasoning_effort"] == sent


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"mcp_servers": [{"type": "url"}]}, "mcp_servers"),
        ({"container": "c"}, "container"),
        ({"fallbacks": [{"model": "x"}]}, "fallbacks"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"speed": "fast"}, "speed"),
        ({"seed": 1}, "seed"),
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


def test_documents_are_translated(api: Api, sdk: anthropic.Anthropic) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Read."))
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
    plain = {"type": "text", "media_type": "text/plain", "data": "Once upon a time."}
    inner = {"type": "content", "content": [{"type": "text", "text": "Inside."}]}
    blocks = [
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": plain, "title": "Tale"},
        {"type": "document", "source": inner},
    ]
    create(sdk, content=blocks)
    messages = api.upstream.calls[-1]["messages"]
    assert isinstance(messages, list)
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}
    assert messages[-1]["content"] == [
        {"type": "file", "file": file},
        {"type": "text", "text": "Tale\nOnce upon a time."},
        {"type": "text", "text": "Inside."},
    ]


def test_thoughts_go_back_to_where_they_came_from(api: Api, sdk: anthropic.Anthropic) -> None:
    signed = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    api.upstream.script = by_model(
        small=said(content="A.", reasoning_content="Hm.", thinking_blocks=[signed])
    )
    first = create(sdk)
    api.upstream.script = by_model(
        router=completion("1"), small=said(content="B.", reasoning="So.")
    )
    turns = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": "again"},
    ]
    second = create(sdk, messages=turns)
    turns += [{"role": "assistant", "content": second.content}, {"role": "user", "content": "go"}]
    create(sdk, messages=turns)
    messages = api.upstream.calls[-1]["messages"]
    assert isinstance(messages, list)
    assert messages[1]["thinking_blocks"] == [signed]
    assert "reasoning_content" not in messages[1]
    assert messages[3]["reasoning"] == "So."


def test_stop_reasons(api: Api, sdk: anthropic.Anthropic) -> None:
    def ended(reason: str, **more: Any) -> Reply:
        message = {"role": "assistant", "content": "Hi"}
        choice = {"index": 0, "message": message, "finish_reason": reason, **more}
        return Reply({"choices": [choice], "usage": None})

    for reply, expected in (
        (ended("length"), ("max_tokens", None)),
        (ended("content_filter"), ("refusal", None)),
        (ended("stop", stop_reason="END"), ("stop_sequence", "END")),
        (ended("stop", stop_reason="other"), ("end_turn", None)),
        (said(content=None, refusal="I cannot."), ("refusal", None)),
    ):
        api.upstream.script = by_model(small=reply)
        for message in (
            create(sdk, stop_sequences=["END"]),
            streamed_by(sdk, stop_sequences=["END"]),
        ):
            assert (message.stop_reason, message.stop_sequence) == expected


def test_cached_input_is_counted_apart(api: Api, sdk: anthropic.Anthropic) -> None:
    reply = completion("Hi.", prompt_tokens=100)
    assert isinstance(reply.body, dict)
    usage = reply.body["usage"]
    assert isinstance(usage, dict)
    details = {"cached_tokens": 60, "cache_creation_tokens": 30}
    body: Body = {**reply.body, "usage": {**usage, "prompt_tokens_details": {**details}}}
    api.upstream.script = by_model(small=Reply(body))
    counted = create(sdk).usage
    assert counted.input_tokens == 10
    assert counted.cache_read_input_tokens == 60
    assert counted.cache_creation_input_tokens == 30


def test_tokens_are_counted_without_a_call(api: Api, sdk: anthropic.Anthropic) -> None:
    short = sdk.messages.count_tokens(model="auto", messages=[{"role": "user", "content": "hi"}])
    long = sdk.messages.count_tokens(
        model="auto", messages=[{"role": "user", "content": "hi " * 400}], tools=[WEATHER]
    )
    assert 0 < short.input_tokens < 20
    assert long.input_tokens > 300
    assert api.upstream.calls == []


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


def test_a_dry_run_decides_and_calls_no_model(api: Api, sdk: anthropic.Anthropic) -> None:
    message = create(sdk, extra_body={"route_switch": {"dry_run": True}})
    assert message.content == []
    assert message.to_dict()["route_switch"]["tier"] == 1
    assert api.upstream.calls == []


def test_a_retry_with_the_same_key_gets_the_same_message(
    api: Api, sdk: anthropic.Anthropic
) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    again = {"Idempotency-Key": "order-17"}
    messages = [create(sdk, extra_headers=again) for _ in range(2)]
    assert messages[0] == messages[1]
    assert len(api.upstream.calls) == 1


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


def test_the_tool_runner_runs_a_loop(api: Api, sdk: anthropic.Anthropic) -> None:
    @anthropic.beta_tool
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"Sun in {city}."

    calls = [call_of("weather", '{"city": "Bern"}')]

    def script(body: Body) -> Reply:
        if body["model"] == "router":
            return completion("1")
        messages = body["messages"]
        assert isinstance(messages, list)
        done = any(m["role"] == "tool" and "Sun in Bern." in m["content"] for m in messages)
        return completion("It is sunny.") if done else said(content=None, tool_calls=calls)

    api.upstream.script = script
    runner = sdk.beta.messages.tool_runner(**request("Weather in Bern?", tools=[weather]))
    assert runner.until_done().content[0].text == "It is sunny."
