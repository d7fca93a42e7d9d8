"""Answers put together from their pieces."""

import time

from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.completion import CompletionBuilder, merged_message
from route_switch.domain.ports import Chunk, JsonObject

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
DELTAS = st.one_of(
    st.builds(lambda text: {"content": text}, TEXTS),
    st.builds(lambda text: {"reasoning_content": text}, TEXTS),
    st.builds(lambda text, thought: {"content": text, "reasoning": thought}, TEXTS, TEXTS),
)


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
