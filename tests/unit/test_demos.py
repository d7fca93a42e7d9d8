"""Which queries may become demos."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.text_policy import (
    DEMO_WORDS,
    as_demo,
    as_former_demo,
    is_short_and_whole,
)
from route_switch.optimizer.demos import Vectors, choose_demos


def directions(*degrees: float) -> Vectors:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_most_typical_query_of_each_tier_comes_first_in_turn() -> None:
    vectors = directions(0, 1, 2, 60, 180, 181, 182, 240)
    chosen = choose_demos(vectors, [0, 0, 0, 0, 2, 2, 2, 2], [True] * 8)
    assert chosen[0] in (0, 1, 2)
    assert chosen[1] in (4, 5, 6)


def test_the_next_demo_is_unlike_the_first() -> None:
    vectors = directions(0, 1, 2, 60, 61)
    chosen = choose_demos(vectors, [0] * 5, [True] * 5, per_tier=2)
    assert len({row in (3, 4) for row in chosen}) == 2


def test_long_or_clipped_queries_are_never_chosen_but_say_what_is_typical() -> None:
    vectors = directions(0, 0, 0, 0, 5, 90)
    fits = [False, False, False, False, True, True]
    assert choose_demos(vectors, [1] * 6, fits) == [4, 5]


def test_without_a_fitting_query_there_are_no_demos() -> None:
    assert choose_demos(directions(0, 90), [0, 1], [False, False]) == []


@given(
    st.lists(
        st.tuples(st.floats(0, 360), st.integers(0, 2), st.booleans()), min_size=1, max_size=30
    ),
    st.integers(1, 5),
)
def test_demos_are_different_rows_that_fit_up_to_a_limit_for_each_tier(
    rows: list[tuple[float, int, bool]], per_tier: int
) -> None:
    degrees, tiers, fits = zip(*rows, strict=True)
    chosen = choose_demos(directions(*degrees), tiers, fits, per_tier)
    assert len(set(chosen)) == len(chosen)
    assert all(fits[row] for row in chosen)
    for tier in set(tiers):
        fitting = sum(fits[i] for i, own in enumerate(tiers) if own == tier)
        assert sum(tiers[row] == tier for row in chosen) == min(per_tier, fitting)


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=12), max_size=200))
def test_a_query_that_may_be_a_demo_is_shown_whole(words: list[str]) -> None:
    text = " ".join(words)
    shown = as_demo(Example(query=text or "x").as_query, text)
    if is_short_and_whole(shown):
        assert shown == text
    if len(words) > DEMO_WORDS:
        assert not is_short_and_whole(shown)


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=300, max_size=400))
def test_a_long_query_is_shortened_between_words(words: list[str]) -> None:
    text = " ".join(words)
    shown = as_demo(Example(query=text).as_query, text)
    head, tail = shown.split("\n[...]\n")
    assert text.startswith(f"{head} ")
    assert text.endswith(f" {tail}")


@pytest.mark.parametrize("text", ["short", "word " * 200, "x" * 1000])
def test_the_demo_of_an_earlier_release_is_still_known(text: str) -> None:
    """It was cut at 60 tokens, also inside words."""
    query = Example(query=text).as_query
    assert as_former_demo(query, text) == Example(query=text).as_query.for_router(60, 1).rstrip()
