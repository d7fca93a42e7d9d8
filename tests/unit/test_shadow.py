"""The rules of shadow: which requests are sampled, and what routing would have cost."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.needs import UNKNOWN, Capabilities
from route_switch.domain.output_ratio import PRIOR, MeasuredRatio, OutputRatios
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.request_record import Attempt
from route_switch.domain.shadow import (
    AIM,
    CALLS,
    DAYS_PER_MONTH,
    DRY_RUN_USD,
    ChosenModel,
    RouterDay,
    ShadowReason,
    WouldCost,
    is_sampled,
    sampled_share,
    would_cost,
)
from route_switch.domain.shadow_counters import ShadowGroup, shadow_counters
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from tests.support.records import RECORD

MODELS = ModelCatalog(
    tiers={tier: TierModels(model=f"p/{tier.name.lower()}") for tier in Tier},
    router="p/router",
    prices={
        "p/small": Price(input_usd_per_million=1, output_usd_per_million=2),
        "p/large": Price(input_usd_per_million=10, output_usd_per_million=30),
    },
    tier_3_output_ratio={Tier.SMALL: 2.0},
)
NONE = OutputRatios()
READ_BY_TIER_3 = Usage(32_500, 300, cached_input_tokens=31_800, cache_write_tokens=700)
"""A late turn of a long conversation."""
TO_SMALL = ChosenModel(Tier.SMALL, "p/small")
USD = st.floats(0.0001, 1000)
DAYS = st.lists(
    st.builds(RouterDay, st.integers(0, 10**6), st.floats(0, 1000), st.integers(0, 10**6)),
    max_size=2,
)
IN_SHADOW = replace(
    RECORD,
    tier=Tier.LARGE,
    shadow_tier=Tier.SMALL,
    shadow_reason=ShadowReason.ROUTER,
    shadow_cost_usd=0.002,
    shadow_cost_low_usd=0.001,
    shadow_cost_high_usd=0.004,
    attempts=(
        Attempt("p/router", None, "answered", 1.0, Usage(9, 1), 0.001),
        Attempt("p/large", Tier.LARGE, "answered", 1.0, Usage(9, 9), 0.01),
    ),
)


@given(USD, DAYS, st.floats(0, 0.1))
def test_a_day_like_those_before_costs_less_than_its_allowance(
    monthly_usd: float, earlier: list[RouterDay], typical_usd: float
) -> None:
    share = sampled_share(monthly_usd, 0.0, earlier, typical_usd)
    assert 0 <= share <= 1
    for day in earlier:
        expected = share * day.full_usd(typical_usd)
        assert expected <= AIM * monthly_usd / DAYS_PER_MONTH * (1 + 1e-9)


@given(USD, DAYS, st.floats(0, 0.1))
def test_nothing_is_sampled_once_the_allowance_is_spent(
    monthly_usd: float, earlier: list[RouterDay], typical_usd: float
) -> None:
    spent = monthly_usd / DAYS_PER_MONTH
    assert sampled_share(monthly_usd, spent, earlier, typical_usd) == 0.0


def test_everything_is_sampled_while_it_is_cheap_or_nothing_is_known() -> None:
    assert sampled_share(31.0, 0.0, [RouterDay(100, 0.5)], 0.01) == 1.0
    assert sampled_share(31.0, 0.0, [RouterDay(), RouterDay()], 0.01) == 1.0


def test_calls_that_the_sample_left_out_are_expected_again() -> None:
    """Otherwise a sampled day would look cheap, and the next one would be sampled in full."""
    assert sampled_share(31.0, 0.0, [RouterDay(100, 1.0, 900)], 9.9) == pytest.approx(0.08)


def test_a_day_without_any_call_counts_with_the_typical_cost() -> None:
    """Calls that were made, but cost nothing, say nothing about the price either."""
    assert RouterDay(0, 0.0, 1000).full_usd(0.01) == pytest.approx(10)


def test_the_days_before_shadow_predict_its_traffic() -> None:
    counters = {"reason:router": 90, "reason:fallback": 10, "cost_usd:tier:router": 0.5}
    assert RouterDay.from_counters(counters) == RouterDay(100, 0.5, 0)


def test_dry_runs_do_not_make_calls_look_expensive() -> None:
    counters = {CALLS: 100, "cost_usd:tier:router": 9.5, DRY_RUN_USD: 9.0}
    assert RouterDay.from_counters(counters) == RouterDay(100, 0.5, 0)


@given(st.text(min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_samples_all_that_a_smaller_one_does(
    request_id: str, one: float, other: float
) -> None:
    smaller, larger = sorted((one, other))
    assert is_sampled(request_id, larger) or not is_sampled(request_id, smaller)
    assert is_sampled(request_id, 1.0)
    assert not is_sampled(request_id, 0.0)


def test_the_share_of_sampled_requests_is_the_share_asked_for() -> None:
    sampled = sum(is_sampled(f"chatcmpl-{number}", 0.3) for number in range(10_000))
    assert 2850 < sampled < 3150  # 3.3 standard deviations


def test_an_answer_by_another_tier_is_as_long_as_the_output_ratios_say() -> None:
    usage = Usage(100, 60)
    small = would_cost(usage, Tier.LARGE, "p/large", TO_SMALL, MODELS, NONE)
    assert small is not None
    assert [small.usd, small.low, small.high] == pytest.approx([(100 * 1 + 30 * 2) / 1e6] * 3)
    large = would_cost(
        usage, Tier.SMALL, "p/small", ChosenModel(Tier.LARGE, "p/large"), MODELS, NONE
    )
    assert large is not None
    assert large.usd == pytest.approx((100 * 10 + 120 * 30) / 1e6)


def test_a_ratio_that_is_not_measured_yet_bounds_the_cost() -> None:
    models = MODELS.model_copy(update={"tier_3_output_ratio": {}})
    would = would_cost(Usage(0, 60), Tier.LARGE, "p/large", TO_SMALL, models, NONE)
    assert would is not None
    assert would.usd == 120 / 1e6
    assert would.low == pytest.approx(60 / PRIOR.high * 2 / 1e6)
    assert would.high == pytest.approx(60 / PRIOR.low * 2 / 1e6)


def test_a_measured_ratio_of_these_models_counts() -> None:
    models = MODELS.model_copy(update={"tier_3_output_ratio": {}})
    known = MeasuredRatio(ratio=3, low=2, high=4, model="p/small", tier_3_model="p/large", rows=50)
    would = would_cost(
        Usage(0, 60), Tier.LARGE, "p/large", TO_SMALL, models, OutputRatios(measured=(known,))
    )
    assert would == WouldCost(40 / 1e6, 30 / 1e6, 60 / 1e6)


def test_a_cost_of_unknown_price_or_tokens_is_unknown_and_not_0() -> None:
    assert would_cost(None, Tier.LARGE, "p/large", TO_SMALL, MODELS, NONE) is None
    assert (
        would_cost(
            Usage(1, 1), Tier.LARGE, "p/large", ChosenModel(Tier.MEDIUM, "p/medium"), MODELS, NONE
        )
        is None
    )


def claude(usd: float) -> Price:
    """Prices by the price of input, as Claude's are."""
    return Price(
        input_usd_per_million=usd,
        output_usd_per_million=5 * usd,
        cached_input_usd_per_million=0.1 * usd,
        cache_write_usd_per_million=1.25 * usd,
        cache_write_1h_usd_per_million=2 * usd,
    )


def conversation_on(
    price: Price, known: Capabilities = UNKNOWN, usage: Usage = READ_BY_TIER_3, **chosen: bool
) -> float:
    """Return the cost on Tier 1 of a turn that Tier 3 has answered."""
    models = MODELS.model_copy(
        update={
            "prices": {"p/small": price, "p/large": claude(5)},
            "tier_3_output_ratio": {Tier.SMALL: 1.0},
            "capabilities": {"p/small": known},
        }
    )
    to_small = ChosenModel(Tier.SMALL, "p/small", **chosen)
    would = would_cost(usage, Tier.LARGE, "p/large", to_small, models, NONE)
    assert would is not None
    return would.usd


def test_a_conversation_that_moves_fills_the_other_models_cache() -> None:
    assert cost_usd(READ_BY_TIER_3, claude(5)) == pytest.approx(0.0278, abs=5e-5)
    assert conversation_on(claude(1)) == pytest.approx((32_500 * 1.25 + 300 * 5) / 1e6)
    hour = conversation_on(claude(1), for_an_hour=True)
    assert hour == pytest.approx((32_500 * 2 + 300 * 5) / 1e6)
    five_minutes = Capabilities(long_cache=False)
    assert conversation_on(claude(1), five_minutes, for_an_hour=True) == conversation_on(claude(1))


def test_a_conversation_that_stays_on_a_model_is_read_from_its_cache() -> None:
    kept = conversation_on(claude(1), has_cache=True)
    assert kept == pytest.approx((31_800 * 0.1 + 700 * 1.25 + 300 * 5) / 1e6)


@pytest.mark.parametrize("write", [None, 0.0])
def test_a_provider_that_caches_by_itself_charges_a_new_conversation_as_input(
    write: float | None,
) -> None:
    openai = claude(1).model_copy(
        update={"cache_write_usd_per_million": write, "cache_write_1h_usd_per_million": None}
    )
    assert conversation_on(openai) == pytest.approx((32_500 * 1 + 300 * 5) / 1e6)
    kept = conversation_on(openai, has_cache=True)
    assert kept == pytest.approx((31_800 * 0.1 + 700 * 1 + 300 * 5) / 1e6)


@pytest.mark.parametrize("has_cache", [True, False])
def test_a_model_does_not_cache_a_prefix_below_its_shortest(has_cache: bool) -> None:
    short, usage = Capabilities(cache_min_tokens=4096), Usage(4200, 0, 3000, 1000)
    usd = conversation_on(claude(1), short, usage, has_cache=has_cache)
    assert usd == pytest.approx(4200 / 1e6)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_an_empty_cache_never_makes_a_turn_cheaper(
    plain: int, read: int, written: int, for_an_hour: bool
) -> None:
    usage = Usage(plain + read + written, 100, read, written)
    moved = conversation_on(claude(1), UNKNOWN, usage, for_an_hour=for_an_hour)
    kept = conversation_on(claude(1), UNKNOWN, usage, has_cache=True, for_an_hour=for_an_hour)
    assert moved >= kept


def test_a_decided_answer_counts_its_tier_and_its_saving_net_of_the_router() -> None:
    counted = shadow_counters(IN_SHADOW)
    assert counted == {
        "shadow:calls": 1,
        "shadow:router_usd": 0.001,
        "shadow:answer_usd": 0.01,
        "shadow:routed": 1,
        "shadow:routed:tier:1": 1,
        "shadow:routed:priced": 1,
        "shadow:routed:saved_usd": pytest.approx(0.008),
        "shadow:routed:saved_squares": pytest.approx(64),
        "shadow:routed:saved_below": pytest.approx(0.002),
        "shadow:routed:saved_above": pytest.approx(0.001),
    }


@pytest.mark.parametrize(
    ("reason", "tier", "group"),
    [
        (ShadowReason.BYPASS, Tier.SMALL, ShadowGroup.BYPASS),
        (ShadowReason.FALLBACK, Tier.MEDIUM, ShadowGroup.ROUTED),
        (ShadowReason.LATE, None, ShadowGroup.UNDECIDED),
        (ShadowReason.NOT_SAMPLED, None, ShadowGroup.UNDECIDED),
        (ShadowReason.FAILED, None, ShadowGroup.UNDECIDED),
    ],
)
def test_each_answer_is_in_one_group(
    reason: ShadowReason, tier: Tier | None, group: ShadowGroup
) -> None:
    counted = shadow_counters(replace(IN_SHADOW, shadow_reason=reason, shadow_tier=tier))
    assert [each for each in ShadowGroup if each.requests in counted] == [group]


def test_a_request_that_is_not_in_shadow_or_not_answered_counts_no_answer() -> None:
    assert shadow_counters(replace(IN_SHADOW, shadow_reason=None)) == {}
    failed = shadow_counters(replace(IN_SHADOW, status="failed", shadow_cost_usd=None))
    assert failed == {"shadow:calls": 1, "shadow:router_usd": 0.001}
