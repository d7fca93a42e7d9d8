"""What models cost for a month's requests, and what Tier 3 alone would cost."""

from dataclasses import dataclass

from route_switch.cost_estimate.deployment import Deployment, Traffic
from route_switch.domain.pricing import add_known, cost_usd
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import BYTES_PER_TOKEN
from route_switch.domain.usage import Usage

PROMPT_BYTES = 8_192
"""The size limit of a routing prompt; learned prompts come close to it."""
ROUTER_OUTPUT_TOKENS = 5


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """USD a month, None if a price is unknown. `baseline_usd` sends every request to Tier 3."""

    router_usd: float | None
    tiers_usd: dict[Tier, float | None]
    baseline_usd: float | None

    @property
    def total_usd(self) -> float | None:
        return add_known(self.router_usd, *self.tiers_usd.values())


def model_costs(deployment: Deployment, traffic: Traffic) -> ModelCosts:
    tiers = {tier: _answers_usd(deployment, traffic, tier) for tier in Tier}
    baseline = add_known(*(_baseline_usd(deployment, traffic, tier) for tier in Tier))
    return ModelCosts(_router_usd(deployment, traffic), tiers, baseline)


def router_tokens(deployment: Deployment, traffic: Traffic) -> int:
    """Return the input tokens of a router call: the prompt and the clipped query."""
    query = min(traffic.input_tokens, deployment.config.router_max_input_tokens)
    return PROMPT_BYTES // BYTES_PER_TOKEN + query


def _router_usd(deployment: Deployment, traffic: Traffic) -> float | None:
    usage = Usage(router_tokens(deployment, traffic), ROUTER_OUTPUT_TOKENS)
    models = deployment.config.models
    return _times(cost_usd(usage, models.price(models.router)), traffic.requests * traffic.routed)


def _answers_usd(deployment: Deployment, traffic: Traffic, tier: Tier) -> float | None:
    models = deployment.config.models
    usage = Usage(traffic.input_tokens, traffic.output_tokens)
    usd = cost_usd(usage, models.price(models.tiers[tier].model))
    return _times(usd, traffic.requests * traffic.mix[tier])


def _baseline_usd(deployment: Deployment, traffic: Traffic, tier: Tier) -> float | None:
    """Return what the tier's share of requests would cost on Tier 3, whose answers differ in
    length."""
    models = deployment.config.models
    ratio = 1.0 if tier is Tier.LARGE else models.tier_3_output_ratio.get(tier, 1.0)
    usage = Usage(traffic.input_tokens, round(traffic.output_tokens * ratio))
    usd = cost_usd(usage, models.price(models.tiers[Tier.LARGE].model))
    return _times(usd, traffic.requests * traffic.mix[tier])


def _times(usd: float | None, n: float) -> float | None:
    """Multiply; a tier without requests costs nothing even if its price is unknown."""
    return 0.0 if n == 0 else None if usd is None else usd * n
