"""The cost of a call: the tokens that the provider reports times a frozen price.

*Price* is per token, *cost* is what was paid. An unknown price gives an unknown cost (None), never
0.
"""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from route_switch.domain.usage import Usage

MAX_USD_PER_MILLION = 1_000_000
"""One USD per token. What is above is a slip of the pen."""
UsdPerMillion = Annotated[float, Field(ge=0, le=MAX_USD_PER_MILLION, allow_inf_nan=False)]


def in_usd(amount: float) -> str:
    """Write an amount as a sentence has it, without an exponent: `0.00001 USD`."""
    digits = f"{amount:.6g}" if abs(amount) < 1 else f"{amount:.12g}"
    return f"{Decimal(digits):f} USD"


class Rates(BaseModel):
    """Prices in USD per million tokens.

    An absent rate for cached reads, cache writes, audio or reasoning means that such a token costs
    as much as any other token of its side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_usd_per_million: UsdPerMillion
    """Price of input tokens."""
    output_usd_per_million: UsdPerMillion
    """Price of output tokens."""
    cached_input_usd_per_million: UsdPerMillion | None = None
    """Price of input tokens read from the provider's prompt cache; null is the input price."""
    cache_write_usd_per_million: UsdPerMillion | None = None
    """Price of input tokens written to the provider's prompt cache; null is the input price."""
    cache_write_1h_usd_per_million: UsdPerMillion | None = None
    """Price of input tokens that the provider's prompt cache keeps for an hour; null is the price
    of other cache writes."""
    audio_input_usd_per_million: UsdPerMillion | None = None
    """Price of spoken input; null is the input price."""
    reasoning_usd_per_million: UsdPerMillion | None = None
    """Price of tokens that a model thinks with; null is the output price."""
    audio_output_usd_per_million: UsdPerMillion | None = None
    """Price of spoken output; null is the output price."""


class LongContextRates(Rates):
    """Rates of the whole call if its input has more than `above_tokens` tokens."""

    above_tokens: Annotated[int, Field(gt=0)]
    """Input length, in tokens, above which these rates apply."""


class Price(Rates):
    """List price of a model; `long_context` has the rates of long requests, where they differ."""

    long_context: LongContextRates | None = None
    """Rates of long requests; null if they are the same."""

    @property
    def charges_cache_writes(self) -> bool:
        """Whether writing to the prompt cache has a price. Providers that cache by themselves have
        none, or 0: what they write costs as much as any other input."""
        return bool(self.cache_write_usd_per_million or self.cache_write_1h_usd_per_million)

    def rates_for(self, usage: Usage) -> Rates:
        long = self.long_context
        return long if long is not None and usage.input_tokens > long.above_tokens else self


def cost_usd(usage: Usage | None, price: Price | None) -> float | None:
    """Return the USD of one call, or None if the tokens or the price are unknown."""
    if usage is None or price is None:
        return None
    rates = price.rates_for(usage)
    return (_input_usd(usage, rates) + _output_usd(usage, rates)) / 1_000_000


def _input_usd(usage: Usage, rates: Rates) -> float:
    """Return the cost of the input, in USD per million."""
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    hour = min(usage.cache_write_1h_tokens, written)
    audio = min(usage.audio_input_tokens, usage.input_tokens - cached - written)
    plain = rates.input_usd_per_million
    write = _or(rates.cache_write_usd_per_million, plain)
    return (
        (usage.input_tokens - cached - written - audio) * plain
        + cached * _or(rates.cached_input_usd_per_million, plain)
        + (written - hour) * write
        + hour * _or(rates.cache_write_1h_usd_per_million, write)
        + audio * _or(rates.audio_input_usd_per_million, plain)
    )


def _output_usd(usage: Usage, rates: Rates) -> float:
    reasoning = min(usage.reasoning_tokens, usage.output_tokens)
    audio = min(usage.audio_output_tokens, usage.output_tokens - reasoning)
    plain = rates.output_usd_per_million
    return (
        (usage.output_tokens - reasoning - audio) * plain
        + reasoning * _or(rates.reasoning_usd_per_million, plain)
        + audio * _or(rates.audio_output_usd_per_million, plain)
    )


def _or(rate: float | None, otherwise: float) -> float:
    return otherwise if rate is None else rate


def add_known(*costs_usd: float | None) -> float | None:
    """Return the sum, or None if any part is unknown."""
    known = [cost for cost in costs_usd if cost is not None]
    return sum(known) if len(known) == len(costs_usd) else None
