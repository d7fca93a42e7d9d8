"""Calls that belong to none of a key's requests are counted before they are made."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.services.operations.charge_key import ChargeKey

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass
class FakeSpending:
    """The sums. It is unavailable for the calls whose numbers are in `away`."""

    total_usd: float = 0.0
    calls: int = 0
    away: frozenset[int] = frozenset()

    def add(self, key_id: str, at: datetime, model: str, usd: float) -> None:
        self.calls += 1
        if self.calls in self.away:
            raise StoreError("away")
        self.total_usd += usd


@dataclass
class FakeLimits:
    taken_usd: float = 0.0
    settled: list[tuple[float, float]] = field(default_factory=list)

    def count(self, key_id: str, now: datetime, limit: int) -> bool:
        raise NotImplementedError

    def reserve(self, key_id: str, at: datetime, usd: float, budget_usd: float) -> bool:
        fits = self.taken_usd + usd <= budget_usd
        self.taken_usd += usd if fits else 0.0
        return fits

    def settle(
        self, key_id: str, at: datetime, reserved_usd: float, charged_usd: float, kept_usd: float
    ) -> None:
        self.settled.append((reserved_usd, charged_usd))
        self.taken_usd += charged_usd - reserved_usd


def key(budget_usd: float | None = 1.0) -> ApiKey:
    return ApiKey("key_1", "one", role="admin", monthly_budget_usd=budget_usd)


@pytest.fixture
def spending() -> FakeSpending:
    return FakeSpending()


@pytest.fixture
def limits() -> FakeLimits:
    return FakeLimits()


@pytest.mark.parametrize("budget_usd", [None, 1.0])
def test_while_calls_are_made_the_sums_hold_the_most_that_they_may_cost(
    spending: FakeSpending, limits: FakeLimits, budget_usd: float | None
) -> None:
    """What a function that is killed here leaves behind is too much, never too little."""
    charge = ChargeKey(limits, spending)
    with charge.reserved(key(budget_usd), 0.25, "a/r", NOW, lambda: 0.1):
        assert spending.total_usd == 0.25
        assert limits.taken_usd == (0.0 if budget_usd is None else 0.25)
    assert spending.total_usd == pytest.approx(0.1)
    assert limits.taken_usd == pytest.approx(0.0 if budget_usd is None else 0.1)


def test_calls_that_fail_are_charged_too(spending: FakeSpending, limits: FakeLimits) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        ChargeKey(limits, spending).reserved(key(), 0.25, "a/r", NOW, lambda: 0.1),
    ):
        raise ZeroDivisionError
    assert spending.total_usd == pytest.approx(0.1)
    assert limits.taken_usd == pytest.approx(0.1)


def test_what_a_budget_does_not_cover_is_refused_and_nothing_is_counted(
    spending: FakeSpending, limits: FakeLimits
) -> None:
    with (
        pytest.raises(RequestRefusedError, match=r"0\.00001 USD, does not cover .* 0\.25 USD"),
        ChargeKey(limits, spending).reserved(key(1e-5), 0.25, "a/r", NOW, lambda: 0.1),
    ):
        raise AssertionError
    assert (spending.total_usd, limits.taken_usd) == (0, 0)


def test_without_the_sums_no_call_is_made_and_the_budget_is_given_back(limits: FakeLimits) -> None:
    spending = FakeSpending(away=frozenset({1}))
    with (
        pytest.raises(StoreError),
        ChargeKey(limits, spending).reserved(key(), 0.25, "a/r", NOW, lambda: 0.1),
    ):
        raise AssertionError
    assert limits.taken_usd == 0


def test_sums_that_are_away_at_the_end_keep_the_most(limits: FakeLimits) -> None:
    spending = FakeSpending(away=frozenset({2}))
    with ChargeKey(limits, spending).reserved(key(), 0.25, "a/r", NOW, lambda: 0.1):
        pass
    assert spending.total_usd == 0.25
    assert limits.taken_usd == pytest.approx(0.1)


def test_calls_that_cost_nothing_write_nothing(spending: FakeSpending, limits: FakeLimits) -> None:
    with ChargeKey(limits, spending).reserved(key(None), 0.0, "local/x", NOW, lambda: 0.0):
        pass
    assert spending.calls == 0
