"""Budgets of keys: which reservations are left behind, and what they are charged."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.operations.budgets import KeyBudget

NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
amounts = st.decimals(0, 100, places=6).map(float)


def budget(taken: float = 0.0, kept: float = 0.0, **open_usd: float) -> KeyBudget:
    hours = {int(name.removeprefix("h")): usd for name, usd in open_usd.items()}
    return KeyBudget("key_a", "2026-11", taken, kept, hours)


def test_requests_of_this_hour_and_of_the_one_before_may_still_run() -> None:
    found = budget(h8=0.1, h9=0.2, h10=0.3, h11=0.4, h7=0.0)
    assert found.left_behind(NOW) == {8: 0.1, 11: 0.4}
    assert budget(h23=1.0, h0=1.0, h22=1.0).left_behind(NOW.replace(hour=0)) == {22: 1.0}


@given(
    reserved_at=st.datetimes(datetime(2026, 11, 30), datetime(2026, 12, 2)),
    minutes=st.integers(0, 22 * 60),
)
def test_a_request_of_any_minute_is_left_behind_when_the_second_hour_after_it_begins(
    reserved_at: datetime, minutes: int
) -> None:
    at = reserved_at.replace(tzinfo=UTC)
    now = at + timedelta(minutes=minutes)
    ended = now >= at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    found = KeyBudget("key_a", "2026-11", 0.5, 0.0, {at.hour: 0.5})
    assert found.left_behind(now) == ({at.hour: 0.5} if ended else {})


def test_without_a_day_an_hour_is_the_last_one_of_the_month_that_is_over() -> None:
    found = budget(h8=0.1, h9=0.1, h10=0.1)
    assert found.began_at(8, NOW) == [NOW - timedelta(hours=2)]
    assert found.began_at(11, NOW) == [NOW - timedelta(hours=23)]
    assert found.began_at(9, NOW) == [NOW - timedelta(hours=1)]
    assert found.began_at(9, NOW + timedelta(days=2)) == [NOW - timedelta(hours=1)]


def test_an_hour_may_be_of_any_day_since_the_one_that_the_budget_names() -> None:
    found = KeyBudget("key_a", "2026-11", 0.5, 0.0, {8: 0.5, 11: 0.5}, {8: 27, 11: 30})
    days = [NOW.replace(day=day, hour=8) for day in (27, 28, 29, 30)]
    assert found.began_at(8, NOW) == days
    assert found.began_at(8, NOW + timedelta(days=40)) == days
    assert found.began_at(8, NOW - timedelta(days=2, hours=3)) == days[:1]
    assert found.began_at(11, NOW + timedelta(hours=2)) == [NOW.replace(hour=11)]


def test_hours_in_which_everything_is_settled_are_used_up() -> None:
    assert budget(h8=0.0, h9=0.0, h10=0.0, h11=0.4, h12=0.0).used_up(NOW) == (8, 12)


@given(
    settled=st.lists(amounts),
    leaked=st.lists(st.tuples(amounts, amounts), min_size=1),
    kept=amounts,
)
def test_a_leftover_is_charged_what_the_counters_hold_beyond_the_charges(
    settled: list[float], leaked: list[tuple[float, float]], kept: float
) -> None:
    """Each leaked request reserved at least what it cost."""
    costs = [min(each) for each in leaked]
    reserved = [max(each) for each in leaked]
    left_usd = sum(reserved)
    found = budget(sum(settled) + kept + left_usd, kept, h8=left_usd)
    assert found.charge_for(left_usd, sum(settled) + sum(costs)) == pytest.approx(
        sum(costs), abs=1e-6
    )


@given(taken=amounts, kept=amounts, left=amounts, counted=amounts)
def test_a_charge_is_never_negative_and_never_above_what_was_reserved(
    taken: float, kept: float, left: float, counted: float
) -> None:
    assert 0 <= budget(taken, kept, h8=left).charge_for(left, counted) <= left
