"""Graders and parsers take bounded time on any text, up to a megabyte of hostile markup."""

import time
from collections.abc import Callable
from functools import partial
from timeit import timeit

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from route_switch.domain.learning.grading import read
from tests.support.effort import draws

MEGABYTE = 1_000_000
GOLDS = ("B", "42", "[1, 2]", "card_arrival", "yes", "Paris", "5 km", "北京")
PIECES = (
    *("\\boxed{", "#### ", "answer: ", "answer: x\n", "answer is ", '"answer": ', "\\text{"),
    *("\\frac{1", "**B**", "(B) is correct, ", "not B ", "A ", "B. ", "A b. ", "AB C "),
    *("1", "1 ", "1,", "1;", "111,", "1.1.", "1/", "1e1", "1'", "½", "٣ ", "10^", "[", "[1,"),
    *(
        "a",
        "a_",
        "`a",
        ":A",
        "A\x1b",
        '"',
        "yes ",
        " ",
        "\n",
        "答案是",
        "ไก่",
        "\ufdfa",
        "\u0323\u0301",
        "<think>",
    ),
)
LIMIT_S = 0.15
"""Of processor time. The slowest of these texts takes 0.028 s (best of three, a busy machine), and
0.07 s on a machine that is half as fast. Work that grows with the square of a text takes
seconds."""


Work = Callable[[], object]


def processor_s(work: Work) -> float:
    """`timeit` keeps the collection of the whole test session's garbage out of the figure."""
    return timeit(work, timer=time.process_time, number=1)


def is_fast(work: Work) -> bool:
    """Whether one of three tries stays within the limit."""
    return any(processor_s(work) <= LIMIT_S for _ in range(3))


UNTRACED = tuple(phase for phase in Phase if phase != Phase.explain)
"""Hypothesis traces each line in its phase `explain`, which takes several times as long."""


def hostile(piece: str, size: int = MEGABYTE) -> str:
    return (piece * (size // len(piece) + 1))[:size]


@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_is_graded_within_the_limit(piece: str) -> None:
    text = hostile(piece)
    for gold in GOLDS:
        assert is_fast(partial(read, text, gold)), gold


@settings(max_examples=draws(15, 300), deadline=None, phases=UNTRACED)
@given(
    piece=st.lists(
        st.sampled_from(PIECES) | st.text(min_size=1, max_size=4), min_size=1, max_size=4
    ),
    gold=st.sampled_from(GOLDS),
)
def test_a_megabyte_of_any_pieces_is_graded_within_the_limit(piece: list[str], gold: str) -> None:
    text = hostile("".join(piece))
    assert is_fast(partial(read, text, gold))
    assert is_fast(partial(read, gold, text[:50_000]))


@pytest.mark.parametrize("piece", PIECES)
def test_a_gold_of_50_kb_is_read_within_the_limit(piece: str) -> None:
    gold = hostile(piece, 50_000)
    assert is_fast(partial(read, "The answer is B.", gold))
    assert is_fast(partial(read, gold, gold))


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("gold", ["B", "42", "Paris"])
def test_the_time_of_a_grading_grows_no_faster_than_its_text(piece: str, gold: str) -> None:
    """Eight times the text takes about eight times as long. It would be 64 if it were quadratic."""
    short, long = (partial(read, hostile(piece, size), gold) for size in (2_000, 16_000))
    assert any(processor_s(long) < 25 * processor_s(short) + 0.005 for _ in range(5))
