"""The budget of router calls in shadow, as a process keeps it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from route_switch.domain.errors import StoreError
from route_switch.domain.needs import UNKNOWN, Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.shadow import CALLS, NOT_SAMPLED, ROUTER_USD
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.estimate_router_calls import LONGEST_PROMPT_TOKENS, MARGIN
from route_switch.services.refreshed_value import REFRESH_AFTER_S
from route_switch.services.shadow_budget import ShadowBudget

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
YESTERDAY = NOW.date() - timedelta(days=1)
A_WEEK_AGO = NOW.date() - timedelta(days=7)
DAILY_USD = 1.0


@dataclass
class FakeDays:
    counters: dict[date, dict[str, float]] = field(default_factory=dict)
    reads: int = 0
    error: Exception | None = None

    def of_days(self, days: Sequence[date]) -> Mapping[date, Mapping[str, float]]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return {day: self.counters.get(day, {}) for day in days}


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def budget(
    days: FakeDays, clock: Clock, router_usd: float | None = 1.0, known: Capabilities = UNKNOWN
) -> ShadowBudget:
    prices = {}
    if router_usd is not None:
        price = Price(input_usd_per_million=router_usd, output_usd_per_million=router_usd)
        prices["p/router"] = price
    models = ModelCatalog(
        tiers={tier: TierModels(model=f"p/{tier}") for tier in Tier},
        router="p/router",
        prices=prices,
        capabilities={"p/router": known},
    )
    config = RouterConfig(models=models, shadow_monthly_usd=31 * DAILY_USD)
    return ShadowBudget(days, config, ThreadPoolExecutor(1), lambda: NOW, clock)


def paid(usd: float) -> dict[str, float]:
    return {CALLS: 1000, "cost_usd:tier:router": usd, ROUTER_USD: usd}


def test_the_busier_of_yesterday_and_the_same_weekday_sets_the_share() -> None:
    days = FakeDays({YESTERDAY: paid(2.0), A_WEEK_AGO: paid(8.0)})
    assert budget(days, Clock()).current() == pytest.approx(0.8 / 8)


def test_the_share_follows_the_counters_within_a_minute() -> None:
    days, clock = FakeDays(), Clock()
    kept = budget(days, clock)
    assert kept.allows("a")
    days.counters[NOW.date()] = paid(DAILY_USD)
    assert kept.allows("b"), "it is read once a minute"
    assert days.reads == 1
    clock.seconds += REFRESH_AFTER_S
    kept.prepare()
    kept.finish_refresh()
    assert not kept.allows("c")


@pytest.mark.parametrize("error", [StoreError("It is away."), KeyError("a defect")])
def test_counters_that_cannot_be_read_leave_the_share_as_it_is(error: Exception) -> None:
    days, clock = FakeDays({YESTERDAY: paid(1.6)}), Clock()
    kept = budget(days, clock)
    assert kept.current() == pytest.approx(0.5)
    days.error = error
    clock.seconds += REFRESH_AFTER_S
    kept.prepare()
    kept.finish_refresh()
    assert kept.current() == pytest.approx(0.5)
    assert budget(days, clock).current() == 0.0, "a new process spends nothing"


@pytest.mark.parametrize(("router_usd", "allowed"), [(0.0, True), (None, False)])
def test_a_free_router_is_always_asked_and_one_without_a_price_never(
    router_usd: float | None, allowed: bool
) -> None:
    days = FakeDays({NOW.date(): paid(99.0)})
    assert budget(days, Clock(), router_usd).allows("a") is allowed
    assert days.reads == 0


def test_calls_that_were_never_made_count_with_all_that_a_reasoning_router_may_write() -> None:
    days = FakeDays({YESTERDAY: {NOT_SAMPLED: 1000}})
    shares = [
        budget(days, Clock(), 100.0, Capabilities(reasoning=reasoning)).current()
        for reasoning in (False, True)
    ]
    read = LONGEST_PROMPT_TOKENS + 1000
    assert shares == [
        pytest.approx(0.8 / (1000 * 100 * (read * MARGIN + written) / 1e6), rel=1e-3)
        for written in (16, 2048)
    ]
