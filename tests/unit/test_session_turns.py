"""What messages say about their session: tool loops, signed reasoning, cache points."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.cache_points import fixed_tokens
from route_switch.domain.conversation import tool_loop_is_open
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import query_of
from route_switch.domain.session_turns import (
    DAY_S,
    HOUR_S,
    cache_lifetime_s,
    carries_state,
    state_id,
    turn_of,
    without_state,
)
from route_switch.domain.sessions import CACHE_S, CachedPart

USER: JsonObject = {"role": "user", "content": "How high is the tide?"}
ANSWER: JsonObject = {"role": "assistant", "content": "Two meters."}
CALLS: JsonObject = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT: JsonObject = {"role": "tool", "tool_call_id": "1", "content": "2 m"}


@pytest.mark.parametrize(
    "messages",
    [
        [USER, CALLS, RESULT],
        [USER, CALLS, RESULT, RESULT],
        [USER, CALLS],
        [USER, CALLS, RESULT, USER],
        [USER, CALLS, USER],
        [USER, {**CALLS, "content": "Let me look."}, RESULT],
        [RESULT],
        [USER, {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}],
        [USER, {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "input": {}}]}],
    ],
)
def test_a_tool_loop_is_open_until_the_model_answers(messages: list[JsonObject]) -> None:
    assert tool_loop_is_open(messages)
    assert query_of(messages).conversation.in_tool_loop
    assert not tool_loop_is_open([*messages, ANSWER, USER])


@pytest.mark.parametrize("messages", [[USER], [USER, ANSWER, USER], [{**CALLS, "tool_calls": []}]])
def test_without_calls_there_is_no_tool_loop(messages: list[JsonObject]) -> None:
    assert not tool_loop_is_open(messages)


def calling(*ids: str) -> JsonObject:
    return {"role": "assistant", "tool_calls": [{"id": each} for each in ids]}


def test_each_call_of_tools_leaves_a_state_of_its_own() -> None:
    names = {state_id("s", calling(*ids)) for ids in (["1"], ["2"], ["1", "3"], ["12"])}
    names.add(state_id("t", calling("1")))

    assert len(names) == 5
    assert "s" not in names
    assert state_id("s", calling("1", "2")) == state_id("s", calling("2"))
    assert state_id("s", calling("1")) == state_id("s", {**calling("1"), "content": "Look."})


@pytest.mark.parametrize(
    "message", [None, ANSWER, {"tool_calls": []}, {"tool_calls": None}, {"tool_calls": [{}]}]
)
def test_any_other_answer_leaves_the_state_of_the_session(message: JsonObject | None) -> None:
    assert state_id("s", message) == "s"


STATES: list[Mapping[str, JsonValue]] = [
    {"thinking_blocks": [{"type": "thinking", "thinking": "Moon.", "signature": "c2ln"}]},
    {"thinking_blocks": [{"type": "redacted_thinking", "data": "eGVz"}]},
    {"content": [{"type": "thinking", "thinking": "Moon.", "signature": "c2ln"}]},
    {"content": [{"type": "redacted_thinking", "data": "eGVz"}]},
    {"content": [{"type": "reasoning", "encrypted_content": "c2ln"}]},
    {"reasoning_details": [{"type": "reasoning.encrypted", "data": "eGVz"}]},
    {"reasoning_details": [{"type": "reasoning.text", "text": "Moon.", "signature": "c2ln"}]},
    {"provider_specific_fields": {"thought_signatures": [{"thought_signature": "c2ln"}]}},
    {"provider_specific_fields": {"thought_signatures": ["c2ln"]}},
    {
        "tool_calls": [
            {
                "id": "1",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "c2ln"}},
            }
        ]
    },
]


@pytest.mark.parametrize("state", STATES)
def test_state_of_a_model_is_found_and_left_out_for_another(state: Mapping[str, JsonValue]) -> None:
    messages = [USER, {**ANSWER, **state}, USER]

    assert carries_state(messages)
    readable = without_state(messages)
    assert not carries_state(readable)
    assert "c2ln" not in str(readable)
    assert "eGVz" not in str(readable)
    assert (readable[0], readable[2]) == (USER, USER)


@pytest.mark.parametrize(
    "message",
    [
        ANSWER,
        CALLS,
        {**ANSWER, "reasoning_content": "The Moon pulls."},
        {**ANSWER, "thinking_blocks": []},
        {**ANSWER, "reasoning_details": [{"type": "reasoning.text", "text": "The Moon pulls."}]},
        {**ANSWER, "reasoning_details": [{"type": "reasoning.summary", "summary": "The Moon."}]},
        {**ANSWER, "reasoning_details": [{"type": "reasoning.text", "signature": None}]},
        {**ANSWER, "thinking_blocks": [{"type": "thinking", "thinking": "M", "signature": ""}]},
        {"role": "assistant", "content": [{"type": "text", "text": "signature"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "1", "input": {"signature": "def f()"}}],
        },
    ],
)
def test_what_any_model_can_read_is_not_state(message: JsonObject) -> None:
    assert not carries_state([USER, message])


def test_a_users_own_signature_is_not_state() -> None:
    assert not carries_state([{"role": "user", "content": "x", "signature": "c2ln"}, ANSWER])


def test_the_rest_of_a_message_is_left_as_it_is() -> None:
    said: JsonObject = {
        **CALLS,
        "thinking_blocks": [{"type": "thinking", "signature": "c2ln"}],
        "name": "a",
    }

    assert without_state([said]) == ({**CALLS, "name": "a"},)


def test_a_message_of_thoughts_alone_becomes_an_empty_one() -> None:
    thought: JsonObject = {"type": "thinking", "thinking": "Moon.", "signature": "c2ln"}

    assert without_state([{"role": "assistant", "content": [thought]}])[0]["content"] == ""
    assert without_state([{**CALLS, "content": [thought]}])[0]["content"] is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(
            st.sampled_from(["signature", "thinking_blocks", "type", "data", "input", "x"]),
            each | st.sampled_from(["thinking", "redacted_thinking"]),
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(st.sampled_from(["content", "extra", "tool_calls"]), JSON)))
def test_no_state_is_left_in_any_messages(fields: list[JsonObject]) -> None:
    messages = [{"role": "assistant", **each} for each in fields]

    assert not carries_state(without_state(messages))


@pytest.mark.parametrize(
    ("point", "lifetime_s"),
    [
        ({"type": "ephemeral"}, CACHE_S),
        ({"type": "ephemeral", "ttl": "5m"}, CACHE_S),
        ({"type": "ephemeral", "ttl": "1h"}, HOUR_S),
    ],
)
def test_a_cache_point_says_how_long_its_prefix_is_kept(point: JsonObject, lifetime_s: int) -> None:
    part: JsonObject = {"type": "text", "text": "Tides.", "cache_control": point}
    messages: list[JsonObject] = [{"role": "user", "content": [part]}, ANSWER, USER]

    assert turn_of(messages, {}, 10, 10).cached == CachedPart()
    assert cache_lifetime_s(messages, {}) == lifetime_s


def test_the_shortest_of_several_lifetimes_counts() -> None:
    points: list[JsonObject] = [{**USER, "cache_control": {"ttl": ttl}} for ttl in ("1h", "5m")]

    assert cache_lifetime_s(points, {}) == CACHE_S


def test_points_on_tools_and_system_messages_keep_these_and_no_conversation() -> None:
    rules: JsonObject = {"role": "system", "content": "Help. " * 100}
    tools: list[JsonValue] = [{"type": "function", "function": {"name": "f"}}]
    marked: JsonObject = {**rules, "cache_control": {"type": "ephemeral"}}
    talk = [USER, ANSWER, USER]

    by_caller = turn_of([marked, *talk], {"tools": tools}, 10, 10).cached
    by_stage = turn_of([rules, *talk], {"tools": tools}, 10, 10, "auto").cached

    assert by_caller is not None
    assert by_stage == replace(by_caller, by_stage=True)
    assert by_caller.tokens == fixed_tokens([rules, USER], {"tools": tools}) > 0
    assert turn_of([marked, *talk], {"cache_control": {}}, 10, 10).cached == CachedPart()
    assert turn_of([rules, *talk], {}, 10, 10).cached is None


def test_tools_and_whole_requests_can_be_cached_too() -> None:
    tool: JsonObject = {"type": "function", "cache_control": {"type": "ephemeral", "ttl": "1h"}}

    assert cache_lifetime_s([USER], {"tools": [tool]}) == HOUR_S
    assert cache_lifetime_s([USER], {"cache_control": {"type": "ephemeral", "ttl": "1h"}}) == HOUR_S


def test_what_the_provider_has_written_counts_more_than_what_was_asked() -> None:
    hour: JsonObject = {"cache_creation": {"ephemeral_1h_input_tokens": 9}}
    both: JsonObject = {
        "cache_creation": {"ephemeral_1h_input_tokens": 9, "ephemeral_5m_input_tokens": 9}
    }

    assert cache_lifetime_s([USER], {}, hour) == HOUR_S
    assert cache_lifetime_s([USER], {}, both) == CACHE_S


def test_openai_keeps_a_prompt_for_a_day_on_request() -> None:
    assert cache_lifetime_s([USER], {"prompt_cache_retention": "24h"}) == DAY_S


def test_a_first_message_continues_nothing() -> None:
    turn = turn_of([{"role": "system", "content": "Help."}, USER], {}, 10, 300)

    assert not (turn.continues or turn.may_need_its_model)
