"""AWS's prices, from a dated list beside this file."""

import json
from importlib.resources import files
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field


class AwsPrice(BaseModel):
    """`usd` for `per` units a month; the first `free` units of a month cost nothing.

    `as_of` is the date of the newest source that says so, as exactly as it is known; None: sources
    agree, but none says of when it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    usd: Annotated[float, Field(gt=0)]
    per: Annotated[int, Field(gt=0)]
    unit: str
    free: Annotated[int, Field(ge=0)]
    source: Annotated[str, Field(pattern=r"^https://aws\.amazon\.com/\S+$")]
    as_of: Annotated[str, Field(pattern=r"^20\d{2}(-\d{2}){0,2}$")] | None
    note: str = ""

    @property
    def usd_each(self) -> float:
        return self.usd / self.per


class PriceList(BaseModel):
    """The prices of one region, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    collected: Annotated[str, Field(pattern=r"^20\d{2}-\d{2}-\d{2}$")]
    how: str
    free: str
    prices: dict[str, AwsPrice]

    @property
    def dates(self) -> list[str]:
        """Of the prices that have one, the earliest first."""
        return sorted(price.as_of for price in self.prices.values() if price.as_of is not None)

    @classmethod
    def packaged(cls) -> Self:
        text = files("route_switch.cost_estimate").joinpath("aws_prices.json").read_text("utf-8")
        return cls.model_validate(json.loads(text))
