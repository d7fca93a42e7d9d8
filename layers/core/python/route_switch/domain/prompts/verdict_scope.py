"""What a verdict is about: the candidate's content, and what its gain was computed with.

A gain is that of one text, with these models at these prices, routed by this router LLM with these
settings, at this λ. If any of them differs, the gain may be a loss.
"""

import hashlib
from collections.abc import Mapping

from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.pricing import Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt
from route_switch.domain.tier_parameters import of_model
from route_switch.domain.tiers import Tier

CONTENT = "content"
Scope = Mapping[str, str | float]
"""Values by the names of the provenance's fields: tiers, router, prices, settings, lambda."""


def scope_of(
    models: Mapping[Tier, str], prices: Mapping[str, Price], config: RouterConfig, lambda_: float
) -> dict[str, str | float]:
    """Return the scope of a run, or of a stage. `models` are those of the tiers."""
    names = [models[tier] for tier in sorted(models)]
    limits = (config.models.tiers[tier].max_output_tokens for tier in sorted(models))
    settings = {
        "safe": config.safe_tier.value,
        "bypass": config.bypass_tokens,
        "input": config.router_max_input_tokens,
        "output": "/".join("-" if limit is None else str(limit) for limit in limits),
    }
    if config.strategy is not None:
        settings["strategy"] = config.strategy
    if config.max_tokens is not None:
        settings["most"] = config.max_tokens
    return {
        "tiers": ",".join(names),
        "router": config.models.router,
        "prices": ",".join(
            _price(of_model(prices, name)) for name in (*names, config.models.router)
        ),
        "settings": " ".join(f"{name}={value}" for name, value in settings.items()),
        "lambda": lambda_,
    }


def stage_scope(config: RouterConfig, learning: LearningConfig) -> dict[str, str | float]:
    """Return the scope of the runs of a stage, whose learning may state prices of its own."""
    models = {tier: of.name for tier, of in config.models.tiers.items()}
    prices = {**config.models.prices, **learning.prices}
    return scope_of(models, prices, config, learning.lambda_)


def differences(candidate: RoutingPrompt, current: Scope) -> list[str]:
    """Return what differs between what the candidate's verdict is about and what it would serve,
    each as `name old → new`. What the provenance does not state differs."""
    expected = {CONTENT: candidate.version, **current}
    stated: Provenance = candidate.provenance
    return [
        f"{name} {stated.get(name, 'not stated')} → {now}"
        for name, now in expected.items()
        if stated.get(name) != now
    ]


def _price(price: Price | None) -> str:
    """Return USD per million tokens of input and output, with a digest of further rates."""
    if price is None:
        return "?"
    rates = price.model_dump_json(exclude_none=True)
    plain = Price(
        input_usd_per_million=price.input_usd_per_million,
        output_usd_per_million=price.output_usd_per_million,
    )
    digest = "" if price == plain else f"+{hashlib.sha256(rates.encode()).hexdigest()[:4]}"
    return f"{price.input_usd_per_million:g}/{price.output_usd_per_million:g}{digest}"
