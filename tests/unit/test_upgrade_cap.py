"""The cap on upgrades: few false limits, and a bound on what an attacker gets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.key_watch import FALSE_ALARM_RATE, Share
from route_switch.domain.operations.upgrade_cap import LIMIT_LASTS, is_limited
from route_switch.services.operations.limit_upgrades import UpgradeLimit, limit_upgrades
from tests.support.cap_simulation import capped_month, honest_limits

NOW = datetime(2026, 11, 14, tzinfo=UTC)
KEY = ApiKey("key_a", "chat", "client", max_upgrade_share=0.3)


class FakeMonths:
    def __init__(self, upgrades: int, others: int) -> None:
        self._counters = {"routed:1": float(others), "routed:3": float(upgrades)}
        self.asked: list[tuple[Sequence[str], Sequence[str]]] = []

    def of_keys(
        self, key_ids: Sequence[str], months: Sequence[str]
    ) -> Mapping[str, Mapping[str, float]]:
        self.asked.append((key_ids, months))
        return dict.fromkeys(key_ids, self._counters)


def found(key: ApiKey, upgrades: int, others: int, cap: float | None = None) -> list[UpgradeLimit]:
    return limit_upgrades(FakeMonths(upgrades, others), [key], cap, NOW)


def limited(key: ApiKey = KEY, until: datetime = NOW + timedelta(hours=2)) -> ApiKey:
    return replace(key, upgrades_limited_until=until)


@given(hits=st.integers(0, 10_000), others=st.integers(0, 10_000), cap=st.floats(0.01, 0.99))
def test_a_limited_key_is_released_exactly_when_its_share_is_back_at_the_cap(
    hits: int, others: int, cap: float
) -> None:
    share = Share(hits, hits + others)
    assert is_limited(share, cap, was_limited=True) == (hits > cap * (hits + others))


@given(hits=st.integers(0, 10_000), others=st.integers(0, 10_000), cap=st.floats(0.01, 0.99))
def test_a_key_at_or_below_its_cap_is_never_limited(hits: int, others: int, cap: float) -> None:
    share = Share(hits, hits + others)
    if hits <= cap * share.n:
        assert not is_limited(share, cap, was_limited=False)


def test_a_cap_of_one_limits_no_key() -> None:
    assert not is_limited(Share(100, 100), 1, was_limited=True)


def test_without_caps_nothing_is_read() -> None:
    months = FakeMonths(100, 0)
    key = replace(KEY, max_upgrade_share=None)
    assert limit_upgrades(months, [key], None, NOW) == []
    assert months.asked == []


def test_a_limit_begins_is_renewed_and_ends() -> None:
    [begun] = found(KEY, 90, 60)
    assert (begun.until, begun.was_limited) == (NOW + LIMIT_LASTS, False)
    [renewed] = found(limited(), 90, 209)
    assert (renewed.until, renewed.was_limited) == (NOW + LIMIT_LASTS, True)
    [ended] = found(limited(), 90, 210)
    assert (ended.until, ended.was_limited) == (None, True)
    assert found(KEY, 90, 209) == [], "not clearly above"


def test_a_month_begins_without_limits() -> None:
    [ended] = found(limited(), 0, 0)
    assert ended.until is None


def test_the_stage_s_cap_holds_for_keys_without_one_and_one_exempts_a_key() -> None:
    assert found(replace(KEY, max_upgrade_share=None), 90, 60, cap=0.3)[0].cap == 0.3
    assert found(KEY, 90, 60, cap=0.9)[0].cap == 0.3
    assert found(replace(KEY, max_upgrade_share=1), 90, 60, cap=0.3) == []


def test_a_key_that_lost_its_cap_is_released() -> None:
    [ended] = found(replace(limited(), max_upgrade_share=None), 60, 0)
    assert (ended.until, ended.cap) == (None, None)


def test_an_honest_key_at_its_cap_is_limited_in_at_most_one_of_a_hundred_quarters() -> None:
    limits = honest_limits(keys=60, seed=1, below=0.0, per_day=60)
    assert limits <= 60 * 3 * FALSE_ALARM_RATE + 2


@pytest.mark.parametrize("per_hour", [10, 1000])
def test_an_attacker_s_share_of_the_month_ends_at_the_cap(per_hour: int) -> None:
    month = capped_month(share=0.25, moved=0.9, cap=0.3, per_hour=per_hour, seed=1)
    assert month.uncapped > 0.9
    assert month.capped <= 0.3 + 0.02
