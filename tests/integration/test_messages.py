"""Anthropic's Messages API: the same routing, in the shapes of Anthropic's clients."""

from typing import Any

import anthropic
import pytest
from anthropic.types import TextBlock

from tests.integration.conftest import LONG, Api, by_model
from tests.integration.messages_client import (
    WEATHER,
    ask,
    call_of,
    client_of,
    create,
    events_of,
    request,
    said,
    streamed_by,
    types_of,
)
from tests.support.upstream import (
    DONE,
    Body,
    Reply,
    chunk,
    completion,
    streamed,
    usage_chunk,
)


@pytest.fixture
def sdk(api: Api) -> anthropic.Anthropic:
    return client_of(api)


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
    streamed_once = {"Idempotency-Key": "order-18"}
    streams = [streamed_by(sdk, extra_headers=streamed_once) for _ in range(2)]
    assert streams[0] == streams[1]
    assert len(api.upstream.calls) == 2


def test_the_tool_runner_runs_a_loop(api: Api, sdk: anthropic.Anthropic) -> None:
    @anthropic.beta_tool
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"Sun in {city}."

    calls = [call_of("weather", '{"city": "Bern"}')]

    def script(body: Body) -> Reply:
        if body["model"] == "router":
            return completion("1")
        messages: Any = body["messages"]
        done = any(m["role"] == "tool" and "Sun in Bern." in m["content"] for m in messages)
        return completion("It is sunny.") if done else said(content=None, tool_calls=calls)

    api.upstream.script = script
    runner = sdk.beta.messages.tool_runner(**request("Weather in Bern?", tools=[weather]))
    assert runner.until_done().content[0].text == "It is sunny."


def test_models_are_listed_for_anthropics_clients(sdk: anthropic.Anthropic) -> None:
    models = [*sdk.models.list()]
    assert [model.id for model in models][:2] == ["auto", "tier-1"]
    assert {model.type for model in models} == {"model"}
    assert sdk.models.retrieve("openai/small").display_name == "openai/small"


def test_an_id_of_an_earlier_call_is_not_used_again(api: Api, sdk: anthropic.Anthropic) -> None:
    """Some servers number the calls of each answer anew; Claude Code drops such a call."""
    again = said(content=None, tool_calls=[call_of("weather", "{}", "call_0")])
    api.upstream.script = by_model(router=completion("1"), small=again)
    used = {"type": "tool_use", "id": "call_0", "name": "weather", "input": {}}
    turns = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_0"}]},
    ]
    for message in (
        create(sdk, messages=turns, tools=[WEATHER]),
        streamed_by(sdk, messages=turns, tools=[WEATHER]),
    ):
        assert message.content[0].to_dict()["id"] not in ("call_0", None)
