"""What models receive of a request of Anthropic's Messages API."""

import anthropic
import pytest

from tests.integration.conftest import Api, by_model
from tests.integration.messages_client import WEATHER, client_of, create, said, sent
from tests.support.upstream import completion


@pytest.fixture
def sdk(api: Api) -> anthropic.Anthropic:
    return client_of(api)


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
    received = sent(api)
    system, user, assistant, failed, sun, shown, late = received["messages"]
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
    assert (late["role"], late["content"][1]["text"]) == ("user", "Answer in German.")
    [tool] = received["tools"]
    assert tool["function"]["parameters"] == WEATHER["input_schema"]
    assert tool["cache_control"] == mark
    assert (received["tool_choice"], received["parallel_tool_calls"]) == ("required", False)


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
    received = sent(api)
    form = {"name": "answer", "schema": schema, "strict": True}
    expected = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stop": ["END"],
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "reasoning_effort": "medium",
        "response_format": {"type": "json_schema", "json_schema": form},
        "user": "u-1",
    }
    assert {name: received.get(name) for name in expected} == expected
    assert "service_tier" not in received


@pytest.mark.parametrize(
    ("effort", "known"), [("low", "low"), ("medium", "medium"), ("xhigh", "high"), ("max", "high")]
)
def test_effort_is_one_that_every_model_knows(
    api: Api, sdk: anthropic.Anthropic, effort: str, known: str
) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    create(sdk, output_config={"effort": effort}, thinking={"type": "adaptive"})
    assert sent(api)["reasoning_effort"] == known


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
    messages = sent(api)["messages"]
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
    messages = sent(api)["messages"]
    assert messages[1]["thinking_blocks"] == [signed]
    assert "reasoning_content" not in messages[1]
    assert messages[3]["reasoning"] == "So."


def test_instructions_after_an_answer_keep_their_place(api: Api, sdk: anthropic.Anthropic) -> None:
    """Servers accept system messages at the beginning only, and keep a prefix in their cache."""
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi."))
    turns = [
        {"role": "user", "content": "hello"},
        {"role": "system", "content": "Today is Monday."},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "again"},
        {"role": "system", "content": "Today is Tuesday."},
    ]
    create(sdk, messages=turns, system="Be brief.")
    messages = sent(api)["messages"]
    roles = [message["role"] for message in messages]
    assert roles == ["system", "system", "user", "assistant", "user", "user"]
    assert messages[1]["content"] == "Today is Monday."
    assert "".join(part["text"] for part in messages[-1]["content"]) == (
        "<system-reminder>Today is Tuesday.</system-reminder>"
    )


def test_a_deferred_tool_is_shown_when_the_conversation_has_loaded_it(
    api: Api, sdk: anthropic.Anthropic
) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi."))
    search = {**WEATHER, "name": "search"}
    later = [{**WEATHER, "name": name, "defer_loading": True} for name in ("tides", "moon")]
    asked = {"role": "user", "content": "hello"}
    found = [{"type": "tool_reference", "tool_name": "tides"}]
    call = {"type": "tool_use", "id": "t1", "name": "search", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": found}
    turns = [
        asked,
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    for messages, names in (([asked], ["search"]), (turns, ["search", "tides"])):
        create(sdk, messages=messages, tools=[search, *later])
        assert [tool["function"]["name"] for tool in sent(api)["tools"]] == names
