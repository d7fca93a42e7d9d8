"""What is reserved for a request before it is sent."""

from typing import Any

import pytest

from route_switch.domain.cache_points import CachePoints
from route_switch.domain.needs import UNKNOWN, Capabilities, Needs
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.query import query_of
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.strategies.prompt_strategy import router_messages
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.estimate_costs import explanation_cap_usd, worst_cost_usd
from route_switch.services.estimate_router_calls import explanation_usage, router_usage

OPUS = Price(
    input_usd_per_million=5,
    output_usd_per_million=25,
    cached_input_usd_per_million=0.5,
    cache_write_usd_per_million=6.25,
    cache_write_1h_usd_per_million=10,
)
BY_ITSELF = Price(
    input_usd_per_million=5, output_usd_per_million=25, cached_input_usd_per_million=0.5
)
FREE = Price(input_usd_per_million=0, output_usd_per_million=0)
CACHES = Capabilities(cache_min_tokens=1024)
LONG = Needs(tools=False, vision=False, input_tokens=40_000, reserved_tokens=150_000)
ANSWER_USD = 1000 * 25 / 1e6


def config_of(
    price: Price = OPUS,
    known: Capabilities = CACHES,
    *,
    router: Price = FREE,
    router_known: Capabilities = UNKNOWN,
    **changes: Any,
) -> RouterConfig:
    models = ModelCatalog(
        tiers={tier: TierModels(model="p/opus") for tier in Tier},
        router="p/router",
        prices={"p/opus": price, "p/router": router},
        capabilities={"p/opus": known, "p/router": router_known},
    )
    return RouterConfig(models=models, **changes)


def asking(ttl: str | None) -> tuple[JsonObject, ...]:
    point: JsonObject = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}
    part: JsonObject = {"type": "text", "text": "Rules.", "cache_control": point}
    return ({"role": "system", "content": [part]}, {"role": "user", "content": "Why?"})


@pytest.mark.parametrize(("ttl", "rate"), [(None, 6.25), ("5m", 6.25), ("1h", 10)])
def test_a_request_with_cache_points_reserves_the_price_of_writing(
    ttl: str | None, rate: float
) -> None:
    usd = worst_cost_usd(config_of(), ["p/opus"], LONG, {}, asking(ttl))
    assert usd == pytest.approx(150_000 * rate / 1e6 + ANSWER_USD)


@pytest.mark.parametrize(
    "params",
    [
        {"tools": [{"type": "function", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
        {"tools": [{"function": {"name": "f", "cache_control": {"ttl": "1h"}}}]},
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ],
)
def test_a_point_for_an_hour_counts_wherever_it_is(params: Any) -> None:
    usd = worst_cost_usd(config_of(), ["p/opus"], LONG, params)
    assert usd == pytest.approx(150_000 * 10 / 1e6 + ANSWER_USD)


def test_a_model_that_keeps_nothing_for_an_hour_reserves_five_minutes() -> None:
    config = config_of(known=Capabilities(cache_min_tokens=1024, long_cache=False))
    usd = worst_cost_usd(config, ["p/opus"], LONG, {}, asking("1h"))
    assert usd == pytest.approx(150_000 * 6.25 / 1e6 + ANSWER_USD)


@pytest.mark.parametrize(
    ("setting", "known", "rate"),
    [("auto", CACHES, 6.25), ("auto", Capabilities(), 5), ("off", CACHES, 5)],
)
def test_points_of_the_stage_count_where_it_sets_them(
    setting: CachePoints, known: Capabilities, rate: float
) -> None:
    config = config_of(known=known, cache_points=setting)
    usd = worst_cost_usd(config, ["p/opus"], LONG, {})
    assert usd == pytest.approx(150_000 * rate / 1e6 + ANSWER_USD)


@pytest.mark.parametrize("write", [None, 0.0])
def test_writing_without_a_price_costs_as_much_as_reading_for_the_first_time(
    write: float | None,
) -> None:
    price = BY_ITSELF.model_copy(update={"cache_write_usd_per_million": write})
    usd = worst_cost_usd(config_of(price), ["p/opus"], LONG, {}, asking("1h"))
    assert usd == pytest.approx(150_000 * 5 / 1e6 + ANSWER_USD)


@pytest.mark.parametrize(("reasoning", "written"), [(False, 16), (True, 2048)])
def test_the_router_call_counts_with_all_that_it_may_write(reasoning: bool, written: int) -> None:
    config = config_of(router=OPUS, router_known=Capabilities(reasoning=reasoning))
    assert router_usage(config).output_tokens == written
    usd = worst_cost_usd(config, [], LONG, {})
    assert usd == cost_usd(router_usage(config), OPUS)


@pytest.mark.parametrize("most", [50, 1000, 20_000, 1_000_000])
def test_the_router_call_counts_with_as_much_of_the_query_as_the_stage_shows(most: int) -> None:
    config = config_of(router_max_input_tokens=most)
    assert router_usage(config).input_tokens > most
    assert explanation_usage(config).input_tokens > router_usage(config).input_tokens


@pytest.mark.parametrize("router_known", [Capabilities(), CACHES])
@pytest.mark.parametrize("demos", [0, 5, 60])
def test_the_estimate_covers_the_router_call_of_the_live_prompt(
    demos: int, router_known: Capabilities
) -> None:
    prompt = RoutingPrompt(
        instruction="Tier 1:\n- a greeting\n\nTier 2:\n- a summary\n\nTier 3:\n- a proof",
        demos=tuple(Demo(query=f"Prove lemma {n}. " * 10, tier=Tier.LARGE) for n in range(demos)),
    )
    config = config_of(router=OPUS, router_known=router_known)
    text = " ".join(f"Why is the sky blue on day {day}?" for day in range(1200))
    query = query_of(({"role": "user", "content": text},), {})
    sent = len(str(router_messages(config, prompt, query))) / 4
    estimate = router_usage(config, prompt)
    assert sent <= estimate.input_tokens <= 2 * sent
    is_marked = "cache_control" in str(router_messages(config, prompt, query))
    assert (estimate.cache_write_tokens > 0) == is_marked


def test_an_explanation_of_a_reasoning_router_reserves_its_thoughts() -> None:
    config = config_of(
        router=OPUS, router_known=Capabilities(reasoning=True), explain_max_usd=100.0
    )
    assert explanation_cap_usd(config) == pytest.approx(
        2 * (explanation_usage(config).input_tokens * 5 + 2048 * 25) / 1e6
    )


def test_the_stages_limit_bounds_an_explanation() -> None:
    config = config_of(router=OPUS, explain_max_usd=0.001)
    assert explanation_cap_usd(config) == 0.001
