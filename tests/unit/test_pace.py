"""When calls start, with a clock that only sleeping advances."""

from contextlib import suppress

import pytest

from route_switch.domain.errors import BudgetReachedError, DeadlineReachedError
from route_switch.services.learning.pace import Pace, TimeBudget
from route_switch.services.learning.spending_caps import LocalCap
from tests.support.paid import FakeTime


def test_without_a_limit_no_call_waits() -> None:
    time = FakeTime()
    pace = time.pace()
    for _ in range(100):
        pace.wait_for_turn()
    assert time.slept == []


def test_calls_are_spread_over_the_minute() -> None:
    time = FakeTime()
    pace = time.pace(calls_per_minute=30)
    starts = []
    for _ in range(4):
        pace.wait_for_turn()
        starts.append(time.now)
    assert starts == [0, 2, 4, 6]


def test_a_late_call_does_not_catch_up() -> None:
    time = FakeTime()
    pace = time.pace(calls_per_minute=30)
    pace.wait_for_turn()
    time.now = 100
    pace.wait_for_turn()
    pace.wait_for_turn()
    assert time.slept == [2]


def test_a_shorter_hold_does_not_shorten_a_longer_one() -> None:
    time = FakeTime()
    pace = time.pace()
    pace.hold_back(10)
    pace.hold_back(1)
    pace.wait_for_turn()
    assert time.now == 10


def test_a_sleeping_thread_obeys_a_later_hold() -> None:
    time = FakeTime()
    pace = time.pace(calls_per_minute=30)
    pace.wait_for_turn()

    def held_back_meanwhile() -> None:
        time.on_sleep = lambda: None
        pace.hold_back(9)

    time.on_sleep = held_back_meanwhile
    pace.wait_for_turn()
    assert time.now == 11


def test_a_turn_past_the_deadline_stops_the_run() -> None:
    time = FakeTime(end=1.0)
    pace = time.pace(calls_per_minute=30)
    pace.wait_for_turn()
    with pytest.raises(DeadlineReachedError):
        pace.wait_for_turn()
    assert time.slept == []


def test_no_call_starts_after_the_deadline() -> None:
    with pytest.raises(DeadlineReachedError):
        FakeTime(now=5.0, end=5.0).pace().wait_for_turn()


def test_a_slice_makes_progress_even_if_replaying_takes_longer_than_the_slice() -> None:
    time, done, slices = FakeTime(), 0, 0
    while done < 9:
        slices += 1
        time.now += 1000 * done  # replay all known answers
        news = TimeBudget(2.0, time.clock)
        pace = Pace(None, news.remaining_s, time.clock, time.sleep)
        with suppress(DeadlineReachedError):
            while done < 9:
                pace.wait_for_turn()
                done += 1
                time.now += 0.75
    assert slices == 3, "each slice has two seconds for new work"


def test_the_time_budget_ends() -> None:
    time = FakeTime(now=50)
    news = TimeBudget(2.0, time.clock)
    assert news.remaining_s() == 2
    time.now = 52
    with pytest.raises(DeadlineReachedError):
        Pace(None, news.remaining_s, time.clock, time.sleep).wait_for_turn()


def test_a_cap_counts_earlier_spending_and_returns_unspent_money() -> None:
    cap = LocalCap(1.0)
    cap.settle(0.0, 0.5)
    cap.reserve(0.5)
    with pytest.raises(BudgetReachedError, match=r"cap of 1.0000 USD is reached: 1.0000"):
        cap.reserve(0.25)
    cap.settle(0.5, 0.125)
    cap.reserve(0.25)


def test_a_cap_of_zero_allows_free_calls() -> None:
    cap = LocalCap(0.0)
    cap.reserve(0.0)
    with pytest.raises(BudgetReachedError):
        cap.reserve(1e-9)
