"""The cost of a call: the tokens that the provider reports times a frozen price.

Price is per token; cost is what was paid. An unknown price gives an unknown cost (None), never 0.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class Price(BaseModel):
    """List price in USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_usd_per_million: float = Field(ge=0)
    """Price of input tokens."""
    output_usd_per_million: float = Field(ge=0)
    """Price of output tokens."""
    cached_input_usd_per_million: float | None = Field(default=None, ge=0)
    """Price of input tokens read from the provider's prompt cache; null is the input price."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the provider reports them. Cached tokens are included in the input."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def cost_usd(usage: Usage | None, price: Price | None) -> float | None:
    """Return the cost of one call in USD, or None when the tokens or the price are unknown."""
    if usage is None or price is None:
        return None
    cached_price = price.cached_input_usd_per_million
    if cached_price is None:
        cached_price = price.input_usd_per_million
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    return (
        (usage.input_tokens - cached) * price.input_usd_per_million
        + cached * cached_price
        + usage.output_tokens * price.output_usd_per_million
    ) / 1_000_000


def add_known(*costs_usd: float | None) -> float | None:
    """Return the sum, or None if any part is unknown: a partial sum would pass for a total."""
    known = [cost for cost in costs_usd if cost is not None]
    return sum(known) if len(known) == len(costs_usd) else None
