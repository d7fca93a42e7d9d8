"""What a Responses request becomes, and what of it is refused by name."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.api.client_call import ClientCall
from route_switch.api.protocols.responses.response_request import (
    parse_response_request,
)
from route_switch.api.protocols.responses.response_state import encode_state
from route_switch.api.protocols.responses.response_tools import chat_name
from route_switch.domain.errors import RequestRefusedError

Json = Any  # a request, which is written at many places
USER = {"role": "user", "content": "Why?"}
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edit files."}
AGENTS = {"type": "namespace", "name": "agents", "description": "", "tools": [WEATHER]}


def parsed(**fields: Json) -> ClientCall:
    return parse_response_request(json.dumps({"input": "Why?", **fields}).encode())


def messages(*items: Json, **fields: Json) -> list[Json]:
    return [*parsed(input=[*items], **fields).messages]


def refusal(**fields: Json) -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as refused:
        parsed(**fields)
    return refused.value


def called(call_id: str, name: str = "weather") -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}


def result(call_id: str, output: Json = "sun") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def test_a_text_is_a_users_message_after_the_instructions() -> None:
    assert [*parsed(instructions="Be brief.").messages] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
    ]


def test_the_systems_first_messages_become_one_that_every_model_takes() -> None:
    developer = {"role": "developer", "content": [{"type": "input_text", "text": "Use tools."}]}
    later = {"role": "developer", "content": "Stop."}
    assert messages(developer, USER, later, instructions="Be brief.") == [
        {"role": "system", "content": "Be brief.\n\nUse tools."},
        USER,
        {"role": "system", "content": "Stop."},
    ]


def test_the_parts_of_a_message_become_chat_parts() -> None:
    content = [
        {"type": "input_text", "text": "See:", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "original"},
        {"type": "input_file", "file_data": "data:text/plain;base64,QQ==", "filename": "a.txt"},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
    ]
    assert messages({"role": "user", "content": content}) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See:", "cache_control": {"type": "ephemeral"}},
                {
                    "type": "image_url",
                    "image_url": {"url": "https://example.org/a.png", "detail": "high"},
                },
                {
                    "type": "file",
                    "file": {"file_data": "data:text/plain;base64,QQ==", "filename": "a.txt"},
                },
                {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
            ],
        }
    ]


def test_an_assistants_items_are_one_message_and_results_follow_their_calls() -> None:
    said = {
        "type": "message",
        "role": "assistant",
        "id": "msg_1",
        "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
    }
    interrupted = messages(USER, said, called("a"), called("b"), result("b"), USER, result("a"))
    function = {"name": "weather", "arguments": "{}"}
    assert interrupted[1:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": function},
                {"id": "b", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "sun"},
        {"role": "tool", "tool_call_id": "b", "content": "sun"},
        USER,
    ]


def test_calls_of_two_turns_stay_two_messages() -> None:
    roles = [m["role"] for m in messages(USER, called("a"), result("a"), called("b"), result("b"))]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]


def test_images_of_a_result_follow_in_a_users_message() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    _, _, tool, shown = messages(USER, called("a"), result("a", [image]))
    assert tool["content"] == [
        {"type": "text", "text": "Its attachments follow in the next message."}
    ]
    assert shown["role"] == "user"
    assert [part["type"] for part in shown["content"]] == ["text", "image_url"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=5)


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    """Messages, calls and results in any order in which no result comes before its call."""
    items: list[Json] = [{"role": "user", "content": draw(TEXTS)}]
    unanswered: list[str] = []
    for number in range(draw(st.integers(0, 9))):
        kind = draw(st.sampled_from(("user", "assistant", "call", "result")))
        if kind == "call":
            items.append(called(f"call_{number}"))
            unanswered.append(f"call_{number}")
        elif kind == "result" and unanswered:
            place = draw(st.integers(0, len(unanswered) - 1))
            items.append(result(unanswered.pop(place), draw(TEXTS)))
        elif kind != "result":
            items.append({"role": kind, "content": draw(TEXTS)})
    return items


@given(conversations())
def test_results_follow_their_calls_and_nothing_is_lost(items: list[Json]) -> None:
    made = messages(*items)
    told = [m["content"] for m in made if m["content"] is not None]
    given_texts = [item.get("content", item.get("output")) for item in items]
    texts = [text for text in given_texts if text is not None]
    assert sorted("\n\n".join(told).split("\n\n")) == sorted(texts)
    calls = [call["id"] for m in made for call in m.get("tool_calls", ())]
    assert calls == [item["call_id"] for item in items if item.get("type") == "function_call"]
    for index, message in enumerate(made):
        if message["role"] == "tool":
            before = next(m for m in reversed(made[:index]) if m["role"] != "tool")
            assert message["tool_call_id"] in [call["id"] for call in before["tool_calls"]]


def test_refusals_and_custom_calls_are_kept() -> None:
    refused = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "refusal", "refusal": "No."}],
    }
    custom = {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": "*** x"}
    output = {"type": "custom_tool_call_output", "call_id": "a", "output": "Done."}
    _, no, _, call, tool = messages(USER, refused, USER, custom, output)
    assert no["refusal"] == "No."
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"input": "*** x"}
    assert tool["content"] == "Done."


def test_reasoning_of_another_service_is_left_out_and_reported() -> None:
    foreign = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    call = parsed(input=[USER, foreign, {"type": "item_reference", "id": "rs_1"}, called("a")])
    assert [m["role"] for m in call.messages] == ["user", "assistant"]
    assert call.left_out == (
        "input[1]: reasoning whose encrypted_content is not from this router",
        "input[2]: a reference to reasoning, which this router does not store",
    )


def test_a_reference_to_the_text_before_a_call_is_left_out_and_reported() -> None:
    said = {"type": "item_reference", "id": "msg_1"}
    thought = {"type": "item_reference", "id": "rs_1"}
    call = parsed(input=[USER, said, thought, called("a"), result("a")])
    assert [m["role"] for m in call.messages] == ["user", "assistant", "tool"]
    [note, _] = call.left_out
    assert note == (
        "input[1]: a reference to the text before a call, which this router does not store"
    )
    error = refusal(input=[USER, said, USER, called("a")])
    assert error.param == "input[1]"
    assert "providerOptions.openai.store to false" in str(error)


def test_settings_have_their_names_of_a_chat_request() -> None:
    form = {"type": "json_schema", "name": "tide", "schema": {"type": "object"}, "strict": True}
    params = parsed(
        max_output_tokens=100.0,
        temperature=0.5,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": form, "verbosity": "low"},
        include=["message.output_text.logprobs"],
        top_logprobs=2,
        metadata={"team": "a"},
        prompt_cache_key="s1",
        safety_identifier="u1",
        user="u1",
        seed=7,
        store=False,
        truncation="auto",
        max_tool_calls=3,
        client_metadata={"a": "b"},
        stream_options={"include_obfuscation": False},
    ).params
    assert params == {
        "max_completion_tokens": 100,
        "temperature": 0.5,
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "tide", "schema": {"type": "object"}, "strict": True},
        },
        "logprobs": True,
        "top_logprobs": 2,
        "metadata": {"team": "a"},
        "prompt_cache_key": "s1",
        "safety_identifier": "u1",
        "user": "u1",
        "seed": 7,
    }


def names(params: Json) -> list[str]:
    return [tool["function"]["name"] for tool in params["tools"]]


def test_every_kind_of_tool_that_a_client_runs_becomes_a_function() -> None:
    search = {"type": "tool_search", "execution": "client", "parameters": {"type": "object"}}
    added = {"type": "additional_tools", "role": "developer", "tools": [{**AGENTS, "name": "more"}]}
    params = parsed(tools=[WEATHER, PATCH, AGENTS, search], input=[added, USER]).params
    expected = ["weather", "apply_patch", "agents__weather", "tool_search", "more__weather"]
    assert names(params) == expected


def test_the_grammar_of_a_custom_tool_is_told_to_the_model() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: line+"}
    params: Json = parsed(tools=[{**PATCH, "format": grammar}]).params
    [tool] = params["tools"]
    assert tool["function"]["description"].endswith("lark grammar:\nstart: line+")


def test_allowed_tools_are_the_only_ones_that_are_sent() -> None:
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "custom", "name": "apply_patch"}],
    }
    params = parsed(tools=[WEATHER, PATCH], tool_choice=allowed).params
    assert names(params) == ["apply_patch"]
    assert params["tool_choice"] == "required"


def test_a_named_tool_is_chosen_by_its_function() -> None:
    for choice, name in (
        ({"type": "function", "name": "weather"}, "agents__weather"),
        ({"type": "custom", "name": "apply_patch"}, "apply_patch"),
    ):
        params = parsed(tools=[PATCH, AGENTS], tool_choice=choice).params
        assert params["tool_choice"] == {"type": "function", "function": {"name": name}}


def test_codex_may_offer_web_search() -> None:
    call = parsed(tools=[WEATHER, {"type": "web_search", "external_web_access": True}])
    assert names(call.params) == ["weather"]
    [note] = call.left_out
    assert note.startswith("tools[1]: web_search")


@given(st.text(min_size=1, max_size=90), st.text(min_size=1, max_size=90))
def test_a_namespaced_name_is_one_that_providers_take(namespace: str, name: str) -> None:
    made = chat_name(name, namespace)
    assert 0 < len(made) <= 64
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert made == chat_name(name, namespace)


FILE = {"type": "input_file", "file_id": "file-1"}
REFUSED: list[tuple[Json, str]] = [
    ({"store": True}, "store"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"background": True}, "background"),
    ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ({"context_management": [{"type": "compaction"}]}, "context_management"),
    ({"messages": [USER]}, "messages"),
    ({"max_tokens": 7}, "max_tokens"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"n": 2}, "n"),
    ({"include": ["file_search_call.results"]}, "include"),
    ({"text": {"format": {"type": "grammar"}}}, "text.format"),
    *(
        ({"tools": [{"type": kind}]}, "tools[0]")
        for kind in (
            *("web_search", "web_search_preview", "file_search", "code_interpreter", "mcp"),
            *("image_generation", "computer", "local_shell", "shell", "apply_patch"),
        )
    ),
    ({"tools": [WEATHER], "tool_choice": {"type": "file_search"}}, "tool_choice"),
    *(
        ({"input": [USER, {"type": kind, "id": "x"}]}, "input[1]")
        for kind in (
            *("item_reference", "local_shell_call", "computer_call", "web_search_call"),
            *("compaction", "image_generation_call", "mcp_call", "program"),
        )
    ),
    ({"input": [{"role": "user", "content": [FILE]}]}, "input[0].content[0].file_id"),
    ({"input": [{"role": "user", "content": [{"type": "video"}]}]}, "input[0].content[0]"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED, ids=lambda value: json.dumps(value)[:60])
def test_what_cannot_be_kept_is_refused_by_name(fields: Json, param: str) -> None:
    error = refusal(**fields)
    assert (error.status, error.param, error.code) == (400, param, "unsupported_parameter")
    assert f"'{param}' is not supported: " in str(error)


INVALID: list[tuple[Json, str]] = [
    ({"input": ""}, "input"),
    ({"input": []}, "input"),
    ({"input": None}, "input"),
    ({"input": [{"type": "additional_tools", "tools": []}]}, "input"),
    ({"input": [{"role": "user"}]}, "input[0]"),
    ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
    ({"input": [result("a")]}, "input[0].call_id"),
    ({"input": [{"type": "function_call", "call_id": "a"}]}, "input[0]"),
    ({"tools": [{"type": "function", "function": {"name": "a"}}]}, "tools[0]"),
    ({"tools": [WEATHER, {**PATCH, "name": "weather"}]}, "tools[1]"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "b"}}, "tool_choice"),
    ({"tools": [WEATHER], "tool_choice": "always"}, "tool_choice"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"service_tier": "priority"}, "service_tier"),
    ({"truncation": "sometimes"}, "truncation"),
    ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
    ({"route_switch": {"min_tier": 3, "max_tier": 1}}, "route_switch.min_tier"),
]


@pytest.mark.parametrize(("fields", "param"), INVALID, ids=lambda value: json.dumps(value)[:60])
def test_what_is_invalid_is_named(fields: Json, param: str) -> None:
    error = refusal(**fields)
    assert (error.status, error.param) == (400, param)
    assert error.code in ("invalid_value", "missing_required_parameter")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "type",
                    "role",
                    "content",
                    "call_id",
                    "name",
                    "output",
                    "tools",
                    "id",
                    "text",
                    "input",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            (
                "input",
                "tools",
                "tool_choice",
                "text",
                "reasoning",
                "include",
                "instructions",
                "metadata",
            )
        ),
        VALUES,
        max_size=4,
    )
)
def test_any_other_body_is_refused_with_a_message(body: Json) -> None:
    try:
        call = parse_response_request(json.dumps(body).encode())
    except RequestRefusedError as error:
        assert error.status == 400
        assert str(error).endswith(".")
    else:
        assert call.messages


MANY = 20_000
STATE = encode_state({"reasoning_content": "Let me see. " * 5})
LONG_INPUTS: dict[str, list[Json]] = {
    "references": [{"type": "item_reference", "id": "msg_1"}] * MANY + [called("a")],
    "reasoning": [{"type": "reasoning", "summary": [], "encrypted_content": STATE}] * MANY,
    "texts after a call": [called("a")] + [{"role": "assistant", "content": "word " * 20}] * MANY,
    "system messages": [{"role": "developer", "content": "word " * 20}] * MANY,
    "calls": [called(f"call_{n}") for n in range(MANY)],
    "tools": [
        {"type": "additional_tools", "tools": [{**WEATHER, "name": f"n{n}"}]} for n in range(MANY)
    ]
    + [USER],
}


@pytest.mark.parametrize("kind", LONG_INPUTS)
def test_time_is_in_proportion_to_the_length(kind: str) -> None:
    """Quadratic time would be minutes."""
    body = json.dumps({"input": LONG_INPUTS[kind]}).encode()
    started = time.process_time()
    assert parse_response_request(body).messages
    assert time.process_time() - started < 5


def test_two_calls_of_one_turn_have_two_ids() -> None:
    error = refusal(input=[USER, called("a"), called("a")])
    assert error.param == "input[2].call_id"
