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
        """The name that a caller may give as `model` to choose this tier."""
        return f"tier-{self.value}"


ALL_TIERS = frozenset(Tier)

ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+/\S+$", max_length=200)]
"""`provider/model`: the part before the first slash picks the adapter."""


class TierModels(BaseModel):
    """The model that answers a tier's queries, and those that stand in for it, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName
    """The model that answers, as `provider/model`."""
    fallbacks: tuple[ModelName, ...] = ()
    """Models to try in this order if it fails."""

    @property
    def in_order(self) -> tuple[ModelName, ...]:
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
    """Tokens that Tier 3 writes for each token that the tier writes; `report.json` of a learning
    run has the measured ratios. Without a ratio the saving of a tier is unknown."""

    @model_validator(mode="after")
    def _every_tier_has_a_model(self) -> Self:
        missing = sorted(ALL_TIERS - self.tiers.keys())
        if missing:
            raise ValueError(f"tier {missing[0].value} has no model; each of 1, 2 and 3 needs one")
        return self

    def price(self, model: str) -> Price | None:
        """The model's price, or None where it is not known. Unknown is never free."""
        return self.prices.get(model)

    def capabilities_of(self, model: str) -> Capabilities:
        return self.capabilities.get(model, Capabilities())

    def tier_of(self, model: str) -> Tier | None:
        """The lowest tier whose own model (not a fallback) has this name."""
        return next((t for t in sorted(self.tiers) if self.tiers[t].model == model), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Every configured model, tier models first, each once."""
        tiers = (name for t in sorted(self.tiers) for name in self.tiers[t].in_order)
        return tuple(dict.fromkeys((*tiers, self.router)))
