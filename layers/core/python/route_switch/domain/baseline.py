"""What a request would have cost on Tier 3, and how well that is known."""

from dataclasses import dataclass, replace
from enum import StrEnum

from route_switch.domain.output_ratio import PRIOR, OutputRatio, OutputRatios
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.usage import Usage


class SavingBasis(StrEnum):
    """The basis of a request's saving, or the reason why it is unknown."""

    TIER_3 = "tier_3"
    """Tier 3's own model answered, so nothing had to be assumed."""
    CONFIGURED = "configured"
    """The ratio in the stage's `tier_3_output_ratio`."""
    MEASURED = "measured"
    """The ratio that the last learning run measured for these models."""
    PRIOR = "prior"
    """No run has measured these models yet: a ratio of 1, which may be between 0.4 and 2.5."""
    NO_ANSWER = "no_answer"
    """Unknown: no model answered."""
    NO_TOKENS = "no_tokens"
    """Unknown: a provider reported no token counts."""
    NO_PRICE = "no_price"
    """Unknown: the price of a called model, or of Tier 3's, is not known."""

    @property
    def is_estimate(self) -> bool:
        """Whether the saving is a number that rests on an assumed length."""
        return self in {SavingBasis.CONFIGURED, SavingBasis.MEASURED, SavingBasis.PRIOR}


MIN_CACHED_TOKENS = 1024
"""The shortest prefix that most providers cache."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """USD on Tier 3, with its bounds; all None if `basis` says that it is unknown."""

    basis: SavingBasis
    cost_usd: float | None = None
    low_usd: float | None = None
    high_usd: float | None = None


def estimate_baseline(
    usage: Usage | None,
    tier: Tier,
    model: str | None,
    catalog: ModelCatalog,
    ratios: OutputRatios,
    history_tokens: int = 0,
) -> Baseline:
    """Estimate what Tier 3 would have cost for an answer that `tier`'s `model` gave with `usage`.

    Tier 3 would have read the same input, but written an answer of a different length. So the
    output tokens are scaled by the ratio of the two models. It would have read as much of the input
    from its cache; after a change of the model also the `history_tokens` that it would have there,
    had it given the last answer.
    """
    large = catalog.tiers[Tier.LARGE].name
    price = catalog.price(large)
    if model is None:
        return Baseline(SavingBasis.NO_ANSWER)
    if usage is None or price is None:
        return Baseline(SavingBasis.NO_TOKENS if usage is None else SavingBasis.NO_PRICE)
    if model != large or history_tokens:
        shortest = catalog.capabilities_of(large).cache_min_tokens
        usage = _with_history(usage, history_tokens, price, shortest)
    if model == large:
        usd = cost_usd(usage, price)
        return Baseline(SavingBasis.TIER_3, usd, usd, usd)
    basis, ratio = output_ratio(tier, model, catalog, ratios)
    factors = (ratio.ratio, ratio.low, ratio.high)
    return Baseline(basis, *(_scaled_usd(usage, factor, price) for factor in factors))


def output_ratio(
    tier: Tier, model: str, catalog: ModelCatalog, ratios: OutputRatios
) -> tuple[SavingBasis, OutputRatio]:
    """Return the best known ratio: the configured one, else the measured one, else the prior."""
    configured = catalog.tier_3_output_ratio.get(tier)
    if configured is not None:
        exactly = OutputRatio(ratio=configured, low=configured, high=configured)
        return SavingBasis.CONFIGURED, exactly
    measured = ratios.of(model, catalog.tiers[Tier.LARGE].name)
    return (SavingBasis.PRIOR, PRIOR) if measured is None else (SavingBasis.MEASURED, measured)


def _with_history(usage: Usage, history_tokens: int, price: Price, shortest: int | None) -> Usage:
    """Return the usage of Tier 3, had it given the last answer: it reads `history_tokens` from its
    cache, if its provider caches by itself or the request has used a cache. It caches no prefix
    below `shortest`."""
    by_itself = not price.cache_write_usd_per_million
    uses_cache = by_itself or usage.cached_input_tokens or usage.cache_write_tokens
    if price.cached_input_usd_per_million is None or not uses_cache:
        return usage
    if history_tokens < (shortest or MIN_CACHED_TOKENS):
        history_tokens = 0
    cached = max(usage.cached_input_tokens, min(history_tokens, usage.input_tokens))
    if shortest is not None and cached < shortest:
        cached = 0
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    hour = min(usage.cache_write_1h_tokens, written)
    return replace(
        usage, cached_input_tokens=cached, cache_write_tokens=written, cache_write_1h_tokens=hour
    )


def _scaled_usd(usage: Usage, ratio: float, price: Price) -> float | None:
    # How much of its answer Tier 3 would have thought is unknown: count it as plain output.
    output = round(usage.output_tokens * ratio)
    return cost_usd(replace(usage, output_tokens=output, reasoning_tokens=0), price)
