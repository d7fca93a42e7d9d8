"""Routing profiles: how a request weighs cost against quality, without a new learning run.

A learning run has a λ, what a unit of cost is worth in quality. The profile `balanced` routes as
the run learned to. The other two are points of the same cost–quality curve, at another λ:

    quality    λ / 4
    balanced   λ
    cost       2.5 · λ

With the default λ of 0.2 these are 0.05, 0.2 and 0.5. Above about 0.7, the cheapest model for
everything wins on every data set that was tried, and routing is not needed.

A local model chooses with the profile's λ. A router LLM has no λ: it names a tier, and a table says
which tier that means for the profile. The run fits the table on its validation rows. A prompt
without a table, such as one written by hand, moves one tier: up for `quality`, down for `cost`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from route_switch.domain.tiers import Tier

Profile = Literal["quality", "balanced", "cost"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
BALANCED: Profile = "balanced"

LAMBDA_FACTORS: Mapping[Profile, float] = {"quality": 0.25, "balanced": 1.0, "cost": 2.5}

TierTable = Annotated[tuple[Tier, Tier, Tier], Field(strict=False)]
"""The tier that a query goes to if the router LLM names tier 1, 2 or 3."""


class ProfileTables(BaseModel):
    """The tiers that the router LLM's tiers mean for `quality` and for `cost`. `quality` never
    lowers a tier, `cost` never raises one, and neither changes the order of two tiers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quality: TierTable
    cost: TierTable

    @model_validator(mode="after")
    def _each_keeps_its_direction_and_the_order(self) -> Self:
        for name, table, direction in (("quality", self.quality, 1), ("cost", self.cost, -1)):
            if list(table) != sorted(table):
                raise ValueError(f"{name} must not change the order of two tiers")
            if any((new - old) * direction < 0 for old, new in zip(Tier, table, strict=True)):
                way = "lower" if direction > 0 else "raise"
                raise ValueError(f"{name} must not {way} a tier")
        return self


ONE_TIER = ProfileTables(
    quality=(Tier.MEDIUM, Tier.LARGE, Tier.LARGE), cost=(Tier.SMALL, Tier.SMALL, Tier.MEDIUM)
)
"""The tables of a prompt whose run fitted none."""


def lambda_of(profile: Profile, lambda_: float) -> float:
    """Return the λ of a profile of a run with `lambda_`."""
    return LAMBDA_FACTORS[profile] * lambda_


def tier_for(profile: Profile, named: Tier, tables: ProfileTables | None) -> Tier:
    """Return the tier that a query goes to if the router LLM names `named`."""
    if profile == BALANCED:
        return named
    fitted = tables or ONE_TIER
    return (fitted.quality if profile == "quality" else fitted.cost)[named - 1]


def profile_named(name: object) -> Profile | None:
    """Return the profile of this name, or None if there is none."""
    return next((each for each in PROFILES if each == name), None)
