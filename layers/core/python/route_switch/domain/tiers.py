"""Tiers and the models that serve them."""

from datetime import date
from enum import IntEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.tier_parameters import (
    NO_PARAMETERS,
    TierParameters,
    model_of,
    name_with,
    of_model,
    split_name,
)


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
    """A tier's model and its fallbacks, in the order to try them, and their parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName
    """The model that answers, as `provider/model`."""
    fallbacks: tuple[ModelName, ...] = ()
    """Models to try in this order if it fails."""
    params: TierParameters = NO_PARAMETERS
    """Parameters of the tier's requests, such as a reasoning effort. Fallbacks get those that
    they take."""
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    """Output limit of requests that set none. Null: 4,096 tokens on Bedrock, which reserves them
    when a call starts; elsewhere the provider's own limit. Never above what the model can write,
    nor above `params.max_tokens`."""

    @model_validator(mode="after")
    def _thoughts_leave_room_for_the_answer(self) -> Self:
        budget, limit = self.params.thinking_budget_tokens, self.max_output_tokens
        if budget is not None and limit is not None and limit <= budget:
            raise ValueError(
                f"max_output_tokens is {limit}, but the model may think with "
                f"params.thinking_budget_tokens = {budget}. Raise the limit, or lower the budget"
            )
        return self

    @property
    def name(self) -> str:
        """The model's name with the tier's parameters (`tier_parameters`)."""
        return name_with(self.model, self.params)

    @property
    def with_fallbacks(self) -> tuple[str, ...]:
        """The names of the model and of its fallbacks, with the tier's parameters."""
        return (self.name, *(name_with(model, self.params) for model in self.fallbacks))


class ModelCatalog(BaseModel):
    """The models of each tier, the router model, and their prices."""

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

    def price(self, name: str) -> Price | None:
        """Return the model's price, or None when unknown. Unknown never means free. Parameters
        change how many tokens a model writes, not what each costs."""
        return of_model(self.prices, name)

    def capabilities_of(self, name: str) -> Capabilities:
        return of_model(self.capabilities, name) or Capabilities()

    def tier_of(self, name: str) -> Tier | None:
        """Return the lowest tier whose own model (not a fallback) has this name, with or without
        its parameters."""
        tiers = sorted(self.tiers)
        exact = (tier for tier in tiers if self.tiers[tier].name == name)
        return next(exact, next((t for t in tiers if self.tiers[t].model == name), None))

    def output_limit(self, name: str, highest: int | None = None) -> int | None:
        """Return the output tokens that a request without a limit may use; None if the provider
        decides. A model of several tiers has the limit of the lowest one that sets any. No limit is
        above `highest`, the limit of the tier's parameters, or what the model can write: providers
        refuse that."""
        stated = self.stated_output_limit(name)
        limit = _default_output_tokens(name) if stated is None else stated
        if limit is None and highest is None:
            return None
        limits = (limit, highest, self.capabilities_of(name).output_tokens)
        return min(each for each in limits if each is not None)

    def stated_output_limit(self, name: str) -> int | None:
        """Return the limit that the tier states for requests without one, or None."""
        served = (self.tiers[tier] for tier in sorted(self.tiers))
        stated = (t.max_output_tokens for t in served if name in t.with_fallbacks)
        first = next((each for each in stated if each is not None), None)
        limits = (first, split_name(name)[1].max_tokens)
        return min((each for each in limits if each is not None), default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """Every configured model once, with its parameters, tier models first."""
        tiers = (name for t in sorted(self.tiers) for name in self.tiers[t].with_fallbacks)
        return tuple(dict.fromkeys((*tiers, self.router)))

    @property
    def models(self) -> tuple[str, ...]:
        """Every configured model once, without parameters, tier models first."""
        return tuple(dict.fromkeys(map(model_of, self.names)))


def _default_output_tokens(name: str) -> int | None:
    """Return the output limit if none is stated. Thoughts come on top of it."""
    default = DEFAULT_OUTPUT_TOKENS.get(name.partition("/")[0])
    return None if default is None else default + split_name(name)[1].thinking_room
