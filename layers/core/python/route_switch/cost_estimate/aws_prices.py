"""AWS prices, from the dated list in `aws_prices.json`."""

import json
from importlib.resources import files
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field


class AwsPrice(BaseModel):
    """`usd` per `per` units; the first `free` units of each month cost nothing.

    `as_of` is the date of the newest source, as precise as it is known (year, month or day). None:
    the sources agree, but none is dated.
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
        """The dates of the dated prices, earliest first."""
        return sorted(price.as_of for price in self.prices.values() if price.as_of is not None)

    @classmethod
    def packaged(cls) -> Self:
        text = files("route_switch.cost_estimate").joinpath("aws_prices.json").read_text("utf-8")
        return cls.model_validate(json.loads(text))
