"""Made-up numbers of a local model: the time that they take does not depend on their values."""

import base64
from random import Random

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.local_features import BUCKETS, DENSE
from route_switch.domain.local_model import LinearWeights, LocalModel, LocalNumbers
from route_switch.domain.routing_prompt import RoutingPrompt, StrategyName
from route_switch.domain.tiers import Tier

ALWAYS, NEVER = 100.0, 0.0
"""Leads of the local model below which `hybrid` asks the router LLM."""


def made_up_numbers() -> LocalNumbers:
    """Return numbers whose every weight counts. They are sure of Tier 2."""
    draw = Random(0)  # noqa: S311 (weights, no secret)

    def weights(bias: float) -> LinearWeights:
        hashed = base64.b64encode(draw.randbytes(BUCKETS)).decode()
        dense = tuple(draw.uniform(-0.1, 0.1) for _ in DENSE)
        return LinearWeights(bias=bias, step=0.001, hashed=hashed, dense=dense)

    return LocalNumbers(
        lambda_=0.2,
        longest=100_000,
        tiers=(Tier.SMALL, Tier.MEDIUM, Tier.LARGE),
        quality=(weights(-9.0), weights(9.0), weights(9.0)),
        cost=(weights(-4.0), weights(-2.0), weights(0.0)),
    )


def prompt_with_model(strategy: StrategyName, ask_below: float) -> RoutingPrompt:
    numbers = made_up_numbers()
    model = LocalModel(sha256=numbers.sha256, ask_below=ask_below, numbers=numbers)
    return packaged_prompt().model_copy(update={"strategy": strategy, "local_model": model})
