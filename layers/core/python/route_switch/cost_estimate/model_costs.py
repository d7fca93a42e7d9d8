"""What models cost for a month's requests, and what Tier 3 alone would cost."""

from dataclasses import dataclass

from route_switch.cost_estimate.deployment import Deployment, Traffic
from route_switch.domain.baseline import Baseline, estimate_baseline
from route_switch.domain.output_ratio import NOTHING_MEASURED
from route_switch.domain.pricing import add_known, cost_usd
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import BYTES_PER_TOKEN
from route_switch.domain.usage import Usage
from route_switch.services.estimate_router_calls import output_tokens

PROMPT_BYTES = 8_192
"""The size limit of a routing prompt; learned prompts come close to it."""
DIGIT_TOKENS = 5
"""What a router LLM writes that does not think first."""


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """USD a month, None if a price is unknown. `baseline_usd` sends every request to Tier 3, whose
    answers may be shorter or longer, so that it costs from `baseline_low_usd` to `…_high_usd`."""

    router_usd: float | None
    tiers_usd: dict[Tier, float | None]
    baseline_usd: float | None
    baseline_low_usd: float | None
    baseline_high_usd: float | None

    @property
    def total_usd(self) -> float | None:
        return add_known(self.router_usd, *self.tiers_usd.values())


def model_costs(deployment: Deployment, traffic: Traffic) -> ModelCosts:
    tiers = {tier: _answers_usd(deployment, traffic, tier) for tier in Tier}
    baselines = [_baseline(deployment, traffic, tier) for tier in Tier]
    return ModelCosts(
        _router_usd(deployment, traffic),
        tiers,
        add_known(*(each.cost_usd for each in baselines)),
        add_known(*(each.low_usd for each in baselines)),
        add_known(*(each.high_usd for each in baselines)),
    )


def router_tokens(deployment: Deployment, traffic: Traffic) -> int:
    """Return the input tokens of a router call: the prompt and the clipped query."""
    query = min(traffic.input_tokens, deployment.config.router_max_input_tokens)
    return PROMPT_BYTES // BYTES_PER_TOKEN + query


def router_output_tokens(deployment: Deployment) -> int:
    """Return the output tokens of a router call. How long a router thinks is not known, so a
    reasoning one counts with its limit."""
    models = deployment.config.models
    thinks = models.capabilities_of(models.router).reasoning
    return output_tokens(deployment.config) if thinks else DIGIT_TOKENS


def _router_usd(deployment: Deployment, traffic: Traffic) -> float | None:
    usage = Usage(router_tokens(deployment, traffic), router_output_tokens(deployment))
    models = deployment.config.models
    return _times(cost_usd(usage, models.price(models.router)), traffic.requests * traffic.routed)


def _answers_usd(deployment: Deployment, traffic: Traffic, tier: Tier) -> float | None:
    models = deployment.config.models
    usage = Usage(traffic.input_tokens, traffic.output_tokens)
    usd = cost_usd(usage, models.price(models.tiers[tier].name))
    return _times(usd, traffic.requests * traffic.mix[tier])


def _baseline(deployment: Deployment, traffic: Traffic, tier: Tier) -> Baseline:
    """Return what the tier's share of requests would cost on Tier 3, whose answers differ in
    length. What learning measured is not known before the stage is deployed."""
    models, n = deployment.config.models, traffic.requests * traffic.mix[tier]
    usage = Usage(traffic.input_tokens, traffic.output_tokens)
    model = models.tiers[tier].name
    one = estimate_baseline(usage, tier, model, models, NOTHING_MEASURED)
    costs = (one.cost_usd, one.low_usd, one.high_usd)
    return Baseline(one.basis, *(_times(usd, n) for usd in costs))


def _times(usd: float | None, n: float) -> float | None:
    """Multiply; a tier without requests costs nothing even if its price is unknown."""
    return 0.0 if n == 0 else None if usd is None else usd * n
