"""Estimate a request's cost from estimated tokens, before it is sent."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue

from route_switch.domain.cache_points import asks_for_an_hour, has_points
from route_switch.domain.needs import Needs
from route_switch.domain.parameters import with_tier_parameters
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tier_parameters import split_name
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.usage import Usage
from route_switch.services.estimate_router_calls import explanation_usage, router_usage

ASSUMED_OUTPUT_TOKENS = 300
"""Assumed answer length when the request sets no limit."""

LONG_OUTPUT_TOKENS = 1000
"""The same for estimates that should err on the high side, of a model without an output limit."""

MAX_EXPLANATION_CALLS = 2


def explanation_cap_usd(config: RouterConfig) -> float | None:
    """Return the most that explaining one decision may cost; None if the router LLM's price is
    unknown."""
    call_usd = cost_usd(explanation_usage(config), config.models.price(config.models.router))
    if call_usd is None:
        return None
    return min(config.explain_max_usd, MAX_EXPLANATION_CALLS * call_usd)


def assumed_output_tokens(params: Mapping[str, JsonValue]) -> int:
    """Return the smaller of the request's limit and `ASSUMED_OUTPUT_TOKENS`: most answers end
    before their limit."""
    return min([ASSUMED_OUTPUT_TOKENS, *_limits(params)])


def estimated_costs_usd(
    catalog: ModelCatalog, tiers: Iterable[Tier], needs: Needs, params: Mapping[str, JsonValue]
) -> dict[Tier, float | None]:
    """Estimate the cost of each tier's answer; None when its price is unknown."""
    usage = Usage(needs.input_tokens, assumed_output_tokens(params))
    return {
        tier: cost_usd(usage, catalog.price(catalog.tiers[tier].name)) for tier in sorted(tiers)
    }


def worst_cost_usd(
    config: RouterConfig,
    models: Iterable[str],
    needs: Needs,
    params: Mapping[str, JsonValue],
    messages: Sequence[JsonObject] = (),
    prompt: RoutingPrompt | None = None,
) -> float:
    """Return the cost of the router call plus the most expensive model's longest likely answer. A
    request with cache points writes its whole input to a cache. No model reads more than its
    context length, and a text that predicts the answer costs as much as one. `prompt` is the live
    prompt, if it is known yet.

    A request to a model without any output limit may cost more, and so may one whose first models
    fail late.
    """
    catalog, n = config.models, params.get("n")
    answers = n if isinstance(n, int) and n > 0 else 1
    has_own = has_points(messages, params)
    for_an_hour = asks_for_an_hour(messages, params)
    predicted = len(json.dumps(params["prediction"])) if params.get("prediction") else 0
    costs = []
    for name in models:
        most = catalog.capabilities_of(name).input_tokens
        read = min(needs.reserved_tokens, most or needs.reserved_tokens)
        longest = _longest_answer(config, name, params) + predicted
        written = read if has_own or _gets_points(config, name) else 0
        hour = written if for_an_hour and catalog.capabilities_of(name).long_cache else 0
        usage = Usage(
            read, answers * longest, cache_write_tokens=written, cache_write_1h_tokens=hour
        )
        costs.append(_dearest_usd(usage, catalog.price(name)))
    router_usd = cost_usd(router_usage(config, prompt), catalog.price(catalog.router)) or 0.0
    return max(costs, default=0.0) + router_usd


def _gets_points(config: RouterConfig, name: str) -> bool:
    """Whether the stage sets cache points for this model where a request has none."""
    shortest = config.models.capabilities_of(name).cache_min_tokens
    return config.cache_points == "auto" and shortest is not None


def _dearest_usd(usage: Usage, price: Price | None) -> float:
    """Return the cost, where cache writes cost at least as much as other input."""
    if price is not None and not price.charges_cache_writes:
        usage = replace(usage, cache_write_tokens=0, cache_write_1h_tokens=0)
    return cost_usd(usage, price) or 0.0


def _longest_answer(config: RouterConfig, name: str, params: Mapping[str, JsonValue]) -> int:
    """Return the most tokens that the model probably writes."""
    of_tier = split_name(name)[1]
    merged, _ = with_tier_parameters(params, of_tier)
    without_limit = config.output_limit(name) or LONG_OUTPUT_TOKENS + of_tier.thinking_room
    longest = max(_limits(merged), default=without_limit)
    return min(longest, config.models.capabilities_of(name).output_tokens or longest)


def _limits(params: Mapping[str, JsonValue]) -> list[int]:
    limits = (params.get("max_completion_tokens"), params.get("max_tokens"))
    return [limit for limit in limits if isinstance(limit, int) and limit > 0]
