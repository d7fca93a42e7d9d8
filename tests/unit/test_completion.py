"""Answers put together from their pieces."""

import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.completion import CompletionBuilder
from route_switch.domain.ports import Chunk, JsonObject

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
CALLS = st.builds(
    lambda index, text: {"tool_calls": [{"index": index, "function": {"arguments": text}}]},
    st.integers(0, 3),
    TEXTS,
)
DELTAS = st.one_of(
    st.builds(lambda text: {"content": text}, TEXTS),
    st.builds(lambda text: {"reasoning_content": text}, TEXTS),
    st.builds(lambda text, thought: {"content": text, "reasoning": thought}, TEXTS, TEXTS),
    CALLS,
    st.builds(lambda text: {"tool_calls": [{"id": text}]}, TEXTS),
    st.builds(lambda value: {"audio": value}, st.none() | st.fixed_dictionaries({"data": TEXTS})),
    st.builds(lambda value: {"x": value, "refusal": value}, st.none() | TEXTS | st.integers()),
)


def merged_message(message: JsonObject, delta: JsonObject) -> JsonObject:
    """Add a delta at once, as the rule reads; this takes quadratic time."""
    merged = dict(message)
    for name, new in delta.items():
        before = merged.get(name)
        is_text = name in ("content", "refusal", "arguments", "data") or name.startswith("reason")
        if isinstance(new, list):
            merged[name] = merged_entries(before if isinstance(before, list) else [], new)
        elif isinstance(before, str) and isinstance(new, str) and is_text:
            merged[name] = before + new
        elif isinstance(before, dict) and isinstance(new, dict):
            merged[name] = merged_message(before, new)
        elif new is not None or name not in merged:
            merged[name] = new
    return merged


def merged_entries(entries: list[JsonValue], pieces: list[JsonValue]) -> list[JsonValue]:
    merged = list(entries)
    for piece in pieces:
        index = piece.get("index") if isinstance(piece, dict) else None
        if not isinstance(piece, dict) or not isinstance(index, int):
            merged.append(piece)
            continue
        new = {name: value for name, value in piece.items() if name != "index"}
        before = merged[index] if 0 <= index < len(merged) else None
        if isinstance(before, dict):
            merged[index] = merged_message(before, new)
        else:
            merged.append(new)
    return merged


@given(st.lists(st.tuples(st.integers(0, 1), DELTAS), min_size=1, max_size=20))
def test_pieces_make_the_message_that_merging_one_by_one_makes(
    pieces: list[tuple[int, JsonObject]],
) -> None:
    builder = CompletionBuilder()
    expected: dict[int, JsonObject] = {}
    for index, delta in pieces:
        builder.add(Chunk(delta, index))
        before = expected.get(index, {"role": "assistant"})
        expected[index] = merged_message(before, delta)
    built = {choice.index: choice.message for choice in builder.build().choices}
    assert built == expected


def test_a_long_answer_takes_time_in_proportion_to_its_length() -> None:
    builder, started = CompletionBuilder(), time.process_time()
    for _ in range(20_000):
        builder.add(Chunk({"content": "x" * 500}))
    assert len(builder.build().text) == 10_000_000
    assert time.process_time() - started < 5, "joined with each piece, it takes a minute"


PIECES: dict[str, Chunk] = {
    "text": Chunk({"content": "x" * 500}),
    "thought": Chunk({"reasoning_content": "x" * 500}),
    "arguments": Chunk({"tool_calls": [{"index": 0, "function": {"arguments": "x" * 500}}]}),
    "calls": Chunk({"tool_calls": [{"id": "c", "function": {"arguments": "{}"}}]}),
    "log probabilities": Chunk({"content": "x"}, logprobs={"content": [{"token": "x"}]}),
    "text and thought": Chunk({"content": "x" * 500, "thinking": "y" * 500}),
}


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_twice_as_many_pieces_take_about_twice_as_long(piece: Chunk) -> None:
    """Joined one by one, they take four times as long, and these would take minutes."""

    def seconds(number: int) -> float:
        builder, started = CompletionBuilder(), time.process_time()
        for _ in range(number):
            builder.add(piece)
        builder.build()
        return time.process_time() - started

    gc.disable()  # it takes longer with every object that the test makes
    try:
        fewer, more = (min(seconds(n) for _ in range(4)) for n in (3_000, 6_000))
    finally:
        gc.enable()
    assert more / fewer < 3
