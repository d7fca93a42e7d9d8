"""Tiers and the models that serve them."""

from datetime import date
from enum import IntEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price


class Tier(IntEnum):
    """1 small, 2 medium, 3 large."""

    SMALL = 1
    MEDIUM = 2
    LARGE = 3

    @property
    def alias(self) -> str:
        """The `model` name that selects this tier."""
        return f"tier-{self.value}"


ALL_TIERS = frozenset(Tier)

ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+/\S+$", max_length=200)]
"""`provider/model`. The part before the first slash selects the adapter."""


DEFAULT_OUTPUT_TOKENS = {"bedrock": 4096}
"""The output limit of providers that reserve it up front.

Bedrock takes a call's input tokens plus its `maxTokens` from the quota of tokens per minute when
the call starts. Without `maxTokens` it reserves the model's maximum, 64,000 tokens and more:
https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
"""


class TierModels(BaseModel):
    """A tier's model and its fallbacks, in the order to try them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName
    """The model that answers, as `provider/model`."""
    fallbacks: tuple[ModelName, ...] = ()
    """Models to try in this order if it fails."""
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    """Output limit of requests that set none. Null: 4,096 tokens on Bedrock, which reserves them
    when a call starts; elsewhere the provider's own limit. Never above what the model can write."""

    @property
    def with_fallbacks(self) -> tuple[ModelName, ...]:
        return (self.model, *self.fallbacks)


class ModelCatalog(BaseModel):
    """Which models serve which tier, which one routes, and what each of them costs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tiers: dict[Tier, TierModels]
    """The models of Tiers 1, 2 and 3."""
    router: ModelName
    """The router LLM, as `provider/model`."""
    prices: dict[ModelName, Price] = Field(default_factory=dict)
    """Prices by model. Synthesis adds LiteLLM's list prices for the models that have none here."""
    prices_date: date | None = None
    """Date of the prices; null is the date of the packaged price list."""
    capabilities: dict[ModelName, Capabilities] = Field(default_factory=dict)
    """Capabilities by model. Synthesis adds LiteLLM's; a model without any takes every request."""
    tier_3_output_ratio: dict[Tier, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Tokens that Tier 3 writes for each token that the tier writes. Learning measures this ratio;
    a value here overrides what it measured."""

    @model_validator(mode="after")
    def _every_tier_has_a_model(self) -> Self:
        missing = sorted(ALL_TIERS - self.tiers.keys())
        if missing:
            raise ValueError(
                f"tier {missing[0].value} has no model. Configure one for each of tiers 1, 2 and 3"
            )
        return self

    def price(self, model: str) -> Price | None:
        """Return the model's price, or None when unknown. Unknown never means free."""
        return self.prices.get(model)

    def capabilities_of(self, model: str) -> Capabilities:
        return self.capabilities.get(model, Capabilities())

    def tier_of(self, model: str) -> Tier | None:
        """Return the lowest tier whose own model (not a fallback) has this name."""
        return next((t for t in sorted(self.tiers) if self.tiers[t].model == model), None)

    def output_limit(self, model: str) -> int | None:
        """Return the output tokens that a request without a limit may use; None if the provider
        decides. A model of several tiers has the limit of the lowest one that sets any. No limit is
        above what the model can write: providers refuse that."""
        served = (self.tiers[tier] for tier in sorted(self.tiers))
        stated = (t.max_output_tokens for t in served if model in t.with_fallbacks)
        default = DEFAULT_OUTPUT_TOKENS.get(model.partition("/")[0])
        limit = next((each for each in stated if each is not None), default)
        most = self.capabilities_of(model).output_tokens
        return limit if limit is None or most is None else min(limit, most)

    @property
    def names(self) -> tuple[str, ...]:
        """Every configured model once, tier models first."""
        tiers = (name for t in sorted(self.tiers) for name in self.tiers[t].with_fallbacks)
        return tuple(dict.fromkeys((*tiers, self.router)))
