"""Replies that were not understood: how many, and whether one client is to blame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.understanding import ReplyCount, count_replies

Rows = list[tuple[dict[str, float], bool]]


def rows(client: str, understood: int, failed: int) -> Rows:
    return [({client: 1.0}, n >= failed) for n in range(understood + failed)]


def test_a_client_whose_replies_alone_are_not_understood_stops_no_run() -> None:
    count = count_replies([*rows("key_a", 50, 0), *rows("key_b", 50, 0), *rows("key_c", 0, 30)])
    assert count.share > 0.2
    assert not count.exceeds(0.05)
    assert count.spoiled_by(0.05) == "key_c"


def test_replies_that_are_not_understood_for_several_clients_stop_a_run() -> None:
    count = count_replies([*rows("key_a", 50, 8), *rows("key_b", 50, 8), *rows("key_c", 0, 30)])
    assert count.exceeds(0.05)
    assert count.spoiled_by(0.05) is None


@pytest.mark.parametrize("owner", [{}, {"key_a": 1.0}], ids=["the owner's rows", "the only key"])
def test_rows_that_cannot_be_left_out_stop_a_run(owner: dict[str, float]) -> None:
    assert count_replies([(owner, n >= 10) for n in range(100)]).exceeds(0.05)


def test_a_client_with_most_of_the_rows_is_not_left_out() -> None:
    count = count_replies([*rows("key_a", 40, 0), *rows("key_b", 40, 20)])
    assert count.exceeds(0.05)


def test_the_users_of_the_only_key_are_left_out_in_turn() -> None:
    users = [each for n in range(10) for each in rows(f"key_a/{n}", 10, 0)]
    count = count_replies([*users, *rows("key_a/liar", 0, 20)])
    assert count.spoiled_by(0.05) == "key_a/liar"


def test_a_query_that_others_ask_too_is_not_left_out() -> None:
    shared: Rows = [({"key_a": 1.0, "key_b": 1.0}, False)] * 10
    assert count_replies([*rows("key_a", 50, 0), *rows("key_b", 50, 0), *shared]).exceeds(0.05)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=60))
def test_every_reply_is_counted_once(replies: list[tuple[str, bool]]) -> None:
    count = count_replies([({client: 1.0}, understood) for client, understood in replies])
    failed = sum(not understood for _, understood in replies)
    assert (count.asked, count.not_understood) == (len(replies), failed)
    assert count.without_worst.asked >= count.asked / 2
    assert count.without_worst.share <= count.share
    if not failed:
        assert count == ReplyCount(asked=len(replies))
