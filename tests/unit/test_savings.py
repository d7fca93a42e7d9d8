"""What routing would have saved, estimated from a sample of decisions."""

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.operations.costs import add_up
from route_switch.domain.operations.savings import (
    ShadowSavings,
    shadow_savings,
    unrealized_saving_usd,
)
from route_switch.domain.request_record import Attempt, RequestRecord
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.shadow_counters import shadow_counters
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from route_switch.services.learning.spending_caps import previous_month
from tests.support.effort import draws
from tests.support.records import RECORD

ROUTER_USD = 0.001


def request(saved_usd: float, reason: ShadowReason = ShadowReason.ROUTER) -> RequestRecord:
    """A request that Tier 3 answered for 0.01 USD; routing would have saved `saved_usd`."""
    asked = Attempt("p/router", None, "answered", 1.0, Usage(9, 1), ROUTER_USD)
    answered = Attempt("p/large", Tier.LARGE, "answered", 1.0, Usage(9, 9), 0.01)
    return replace(
        RECORD,
        tier=Tier.LARGE,
        shadow_tier=Tier.SMALL if saved_usd > 0 else Tier.LARGE,
        shadow_reason=reason,
        shadow_cost_usd=0.01 - saved_usd,
        shadow_cost_low_usd=0.01 - saved_usd,
        shadow_cost_high_usd=0.01 - saved_usd,
        attempts=(asked, answered) if reason is ShadowReason.ROUTER else (answered,),
    )


def left_out(record: RequestRecord) -> RequestRecord:
    return replace(
        record,
        shadow_reason=ShadowReason.NOT_SAMPLED,
        shadow_tier=None,
        shadow_cost_usd=None,
        attempts=record.attempts[1:],
    )


def counted(records: Iterable[RequestRecord]) -> dict[str, float]:
    return add_up(map(shadow_counters, records))


def found(*days: Iterable[RequestRecord]) -> ShadowSavings:
    savings = shadow_savings([counted(day) for day in days])
    assert savings is not None
    return savings


def test_without_requests_in_shadow_there_is_nothing_to_tell() -> None:
    assert shadow_savings([{}, {"answered": 7}]) is None
    assert unrealized_saving_usd({"answered": 7}) == 0.0


@given(st.lists(st.floats(-0.01, 0.01), min_size=1, max_size=30))
def test_if_every_request_is_decided_the_sum_is_exact(savings: list[float]) -> None:
    shown = found([request(usd) for usd in savings])
    assert shown.saved_usd is not None
    assert shown.would_cost_usd is not None
    assert shown.saved_usd.usd == pytest.approx(sum(savings), abs=1e-9)
    assert shown.saved_usd.high - shown.saved_usd.low == pytest.approx(0, abs=1e-9)
    assert shown.would_cost_usd.usd == pytest.approx(0.01 * len(savings) - sum(savings), abs=1e-9)
    assert shown.spent_usd == pytest.approx((0.01 + ROUTER_USD) * len(savings))


def test_a_sample_stands_for_the_requests_of_its_own_day() -> None:
    """A busy day is sampled less. Pooled, its requests would count too little."""
    quiet = [request(0.001) for _ in range(10)]
    busy = [request(0.008) for _ in range(10)] + [left_out(request(0.008)) for _ in range(90)]
    shown = found(quiet, busy)
    assert (shown.requests, shown.decided) == (110, 20)
    assert shown.saved_usd is not None
    assert shown.saved_usd.usd == pytest.approx(10 * 0.001 + 100 * 0.008)


def test_bypassed_requests_do_not_stand_for_those_that_were_left_out() -> None:
    bypassed = [request(0.009, ShadowReason.BYPASS) for _ in range(50)]
    routed = [request(0.002)] * 5 + [left_out(request(0.002))] * 45
    shown = found([*bypassed, *routed])
    assert shown.saved_usd is not None
    assert shown.saved_usd.usd == pytest.approx(50 * 0.009 + 50 * 0.002)
    assert shown.tiers == {Tier.SMALL: 1.0, Tier.MEDIUM: 0.0, Tier.LARGE: 0.0}


def test_a_day_without_a_decision_is_taken_to_be_like_the_others() -> None:
    shown = found([request(0.004)] * 10, [left_out(request(0.004))] * 5)
    assert shown.saved_usd is not None
    assert shown.saved_usd.usd == pytest.approx(15 * 0.004)


def test_without_any_decision_the_saving_is_unknown_and_not_0() -> None:
    shown = found([left_out(request(0.004))] * 5)
    assert (shown.requests, shown.decided) == (5, 0)
    assert shown.saved_usd is None
    assert shown.would_cost_usd is None
    assert shown.tiers is None


def test_an_unknown_price_is_left_out_of_the_mean() -> None:
    unpriced = replace(request(0.004), shadow_cost_usd=None)
    shown = found([request(0.004)] * 3 + [unpriced])
    assert shown.decided == 4
    assert shown.saved_usd is not None
    assert shown.saved_usd.usd == pytest.approx(4 * 0.004)


def test_the_bounds_of_output_ratios_add_up_over_all_requests() -> None:
    unsure = replace(request(0.004), shadow_cost_low_usd=0.003, shadow_cost_high_usd=0.008)
    shown = found([unsure] * 10 + [left_out(unsure)] * 10)
    assert shown.saved_usd is not None
    assert shown.saved_usd.low == pytest.approx(20 * 0.002)
    assert shown.saved_usd.high == pytest.approx(20 * 0.007)


def test_the_interval_covers_the_true_sum_in_about_95_of_100_samples() -> None:
    """Samples of 20% of 1,000 requests: 95% within 3.7 standard deviations."""
    rng = random.Random(7)  # noqa: S311 (a simulation)
    savings = [rng.choice([-ROUTER_USD, 0.003, 0.009]) for _ in range(1000)]
    known = {usd: (request(usd), left_out(request(usd))) for usd in savings}
    samples, covered = draws(100, 400), 0
    for _ in range(samples):
        day = [known[usd][rng.random() >= 0.2] for usd in savings]
        estimate = found(day).saved_usd
        assert estimate is not None
        covered += estimate.low <= sum(savings) <= estimate.high
    assert abs(covered / samples - 0.95) <= 3.7 * (0.95 * 0.05 / samples) ** 0.5


def test_a_month_in_shadow_pays_for_learning_with_what_routing_would_have_saved() -> None:
    """Tier 3's answers save nothing, less the router's calls: the cap would shrink to 1 USD, and
    the evidence that the stage waits for could not be paid."""
    counters = counted([request(0.008)] * 1000)
    counters |= {"answered": 1000, "saved_usd": -1.0}
    assert previous_month(counters, 0.0).saved_usd == pytest.approx(8.0)
