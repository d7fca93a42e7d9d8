"""Which requests can be replayed."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.example import Example
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import query_of
from route_switch.domain.replay import MAX_REPLAY_BYTES, replay_of
from route_switch.domain.request_record import NotReplayable, Replay

SYSTEM: JsonObject = {"role": "system", "content": "Be brief."}
EARLIER: JsonObject = {"role": "assistant", "content": "Hi. What is it?"}
QUERY: JsonObject = {"role": "user", "content": "Why is the sky blue?"}
IMAGE: JsonObject = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


CALL: JsonObject = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT: JsonObject = {"role": "tool", "content": "42", "tool_call_id": "x"}


def replay(*messages: JsonObject, **params: str | float) -> Replay | NotReplayable:
    return replay_of(messages, params, query_of(messages, params))


def test_a_replay_has_the_conversation_and_the_fields_that_shape_an_answer() -> None:
    found = replay(SYSTEM, EARLIER, QUERY, temperature=0.2, user="ann@example.org", store="true")
    assert found == Replay((SYSTEM, EARLIER), {"temperature": 0.2})


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([SYSTEM], NotReplayable.EMPTY),
        ([{"role": "user", "content": " \n"}], NotReplayable.EMPTY),
        ([{"role": "user", "content": [IMAGE]}, EARLIER, {"role": "user"}], NotReplayable.EMPTY),
        ([QUERY, EARLIER], NotReplayable.CONTINUED),
        ([QUERY, CALL], NotReplayable.CONTINUED),
    ],
)
def test_a_request_that_cannot_be_replayed_has_a_reason(
    messages: list[JsonObject], reason: NotReplayable
) -> None:
    assert replay(*messages) is reason


def test_a_query_in_text_parts_can_be_replayed() -> None:
    parts: JsonObject = {"role": "user", "content": [{"type": "text", "text": "Why?"}]}
    assert replay(parts) == Replay((), {})


@pytest.mark.parametrize(
    "turn",
    [
        [QUERY, CALL, RESULT],
        [QUERY, CALL, RESULT, CALL, RESULT],
        [{"role": "user", "content": [IMAGE]}],
        [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, IMAGE]}],
        [{**QUERY, "name": "ann"}],
        [{"role": "user", "content": [{"type": "text", "text": t} for t in "ab"]}],
        [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]}],
        [QUERY, {"role": "tool", "content": "42", "tool_call_id": "x"}],
    ],
)
def test_a_turn_that_is_more_than_its_text_is_replayed_as_it_was(turn: list[JsonObject]) -> None:
    earlier = (SYSTEM, QUERY, CALL, RESULT, EARLIER)
    found = replay(*earlier, *turn)
    assert found == Replay(earlier, {}, tuple(turn))
    asked = Example(query=query_of(turn).text, conversation=earlier, turn=tuple(turn))
    assert asked.messages == (*earlier, *turn)


def said(role: str, text: str) -> JsonObject:
    return {"role": role, "content": text}


OTHERS = st.one_of(
    st.builds(said, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=9)),
    st.sampled_from([CALL, RESULT, {"role": "user", "content": [IMAGE]}]),
)


@given(st.lists(OTHERS, max_size=8), st.text(min_size=1), st.booleans())
def test_an_example_has_exactly_the_messages_of_its_request(
    before: list[JsonObject], text: str, in_loop: bool
) -> None:
    messages = [*before, said("user", f"x{text}"), *([CALL, RESULT] if in_loop else [])]
    found = replay(*messages)
    assert isinstance(found, Replay)
    asked = Example(query=f"x{text}", conversation=found.conversation, turn=found.turn)
    assert [*asked.messages] == messages
    logged = Example.model_validate({"messages": messages})
    assert (logged.key, [*logged.messages]) == (asked.key, messages)


def test_a_plain_query_after_images_and_tool_calls_is_replayed_with_them() -> None:
    earlier: tuple[JsonObject, ...] = ({"role": "user", "content": [IMAGE]}, CALL, RESULT, EARLIER)
    assert replay(*earlier, QUERY) == Replay(earlier, {})


def test_the_calls_of_the_answer_are_kept() -> None:
    found = replay_of([QUERY], {}, query_of([QUERY]), CALL)
    assert isinstance(found, Replay)
    assert list(found.tool_calls) == CALL["tool_calls"]


@pytest.mark.parametrize(("spare", "text"), [(0, "a"), (0, "\u00e9"), (-1, "a"), (-1, "\u00e9")])
def test_a_request_that_a_run_cannot_hold_is_not_replayed(spare: int, text: str) -> None:
    overhead = len("role" + "user" + "content")
    room = MAX_REPLAY_BYTES - overhead + 1 + spare
    size = len(text.encode())
    padded = text * (room // size) + "a" * (room % size)
    found = replay({"role": "user", "content": padded})
    assert (found is NotReplayable.TOO_LARGE) == (spare == 0)


def test_measuring_a_long_conversation_takes_little_time() -> None:
    turns = [*(QUERY, EARLIER) * 2000, QUERY]
    query = query_of(turns)
    start = process_time()
    replay_of(turns, {}, query)
    assert process_time() - start < 0.5
