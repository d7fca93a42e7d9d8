"""What routing would have saved in shadow, computed from counters alone.

Bypassed requests are all decided. Of the others the router LLM was asked about a sample, and each
day's sample stands for that day's requests (a stratified estimate, Cochran, Sampling Techniques,
1977, chapter 5): busy days are sampled less. Lengths of answers that were never written follow from
output ratios. An interval adds up the bounds of these ratios, whose errors do not average out, and
1.96 standard errors of the sampling.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from route_switch.domain.operations.costs import Counters, add_up
from route_switch.domain.shadow import ROUTER_USD
from route_switch.domain.shadow_counters import ANSWER_USD, ShadowGroup
from route_switch.domain.tiers import Tier

Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class SavedEstimate:
    """A sum in USD with its bounds."""

    usd: float
    low: float
    high: float

    def taken_from(self, usd: float) -> Self:
        return type(self)(usd - self.usd, usd - self.high, usd - self.low)


@dataclass(frozen=True, slots=True)
class ShadowSavings:
    """Answered requests in shadow. For `decided` ones, it is known where routing would have sent
    them.

    `answer_usd` is what the answers cost, `router_usd` what the decisions did. `saved_usd` is what
    routing would have saved on all of these requests, net of a router call for each that is not
    bypassed; `tiers` is the share of requests that each tier would have answered. Both are None
    without a decision whose saving is known.
    """

    requests: int
    decided: int
    answer_usd: float
    router_usd: float
    saved_usd: SavedEstimate | None
    tiers: dict[Tier, float] | None

    @property
    def spent_usd(self) -> float:
        return self.answer_usd + self.router_usd

    @property
    def would_cost_usd(self) -> SavedEstimate | None:
        """What the requests would have cost with routing on, its router calls included."""
        return None if self.saved_usd is None else self.saved_usd.taken_from(self.answer_usd)


def shadow_savings(days: Sequence[Counters]) -> ShadowSavings | None:
    """Return None if no request was answered in shadow on these days."""
    total = add_up(days)
    requests = sum(int(total.get(group.requests, 0)) for group in ShadowGroup)
    if requests == 0:
        return None
    undecided = int(total.get(ShadowGroup.UNDECIDED.requests, 0))
    return ShadowSavings(
        requests=requests,
        decided=requests - undecided,
        answer_usd=total.get(ANSWER_USD, 0.0),
        router_usd=total.get(ROUTER_USD, 0.0),
        saved_usd=_saved(days, total),
        tiers=_tiers(total),
    )


def unrealized_saving_usd(counters: Counters) -> float:
    """Return the amount to add to the actual saving to get what routing would have saved; 0 without
    an estimate. Both contain the router calls in shadow, which must count once. Take the highest
    value: ratios that no run has measured must not keep the run that measures them from being paid.
    """
    found = shadow_savings([counters])
    if found is None or found.saved_usd is None:
        return 0.0
    return found.saved_usd.high + found.router_usd


def _saved(days: Sequence[Counters], total: Counters) -> SavedEstimate | None:
    routed, bypassed = _Sample.of(ShadowGroup.ROUTED, total), _Sample.of(ShadowGroup.BYPASS, total)
    to_estimate = routed.requests + total.get(ShadowGroup.UNDECIDED.requests, 0)
    if (to_estimate and not routed.priced) or (bypassed.requests and not bypassed.priced):
        return None
    usd, below, above = (bypassed.requests * part for part in bypassed.means)
    variance = 0.0
    for day in days:
        sample = _Sample.of(ShadowGroup.ROUTED, day)
        stands_for = sample.requests + day.get(ShadowGroup.UNDECIDED.requests, 0)
        used = sample if sample.priced else routed  # such a day is taken to be like the others
        if stands_for:
            left_out = max(1 - sample.priced / stands_for, 0.0)
            variance += stands_for**2 * routed.variance / used.priced * left_out
            usd, below, above = (
                total + stands_for * mean
                for total, mean in zip((usd, below, above), used.means, strict=True)
            )
    margin = Z_95 * math.sqrt(variance)
    return SavedEstimate(usd, usd - below - margin, usd + above + margin)


@dataclass(frozen=True, slots=True)
class _Sample:
    """The requests of a group, and the savings of those with a known one (`priced`)."""

    requests: float
    priced: float
    saved_usd: float
    below_usd: float
    above_usd: float
    squares: float

    @classmethod
    def of(cls, group: ShadowGroup, counters: Counters) -> Self:
        names = (group.requests, group.priced, group.saved_usd, group.below_usd, group.above_usd)
        requests, priced, saved_usd, below, above = (counters.get(name, 0.0) for name in names)
        squares = counters.get(group.saved_squares, 0.0) / 1e6
        return cls(requests, priced, saved_usd, below, above, squares)

    @property
    def means(self) -> tuple[float, float, float]:
        """The means of a request's saving, and of how far it may be below and above that."""
        if not self.priced:
            return 0.0, 0.0, 0.0
        saved, below, above = self.saved_usd, self.below_usd, self.above_usd
        return saved / self.priced, below / self.priced, above / self.priced

    @property
    def variance(self) -> float:
        """The variance of one request's saving; that of a single request is taken to be its
        square."""
        if self.priced < 2:
            return self.squares
        return max(self.squares - self.priced * self.means[0] ** 2, 0.0) / (self.priced - 1)


def _tiers(total: Counters) -> dict[Tier, float] | None:
    routed = _by_tier(total, ShadowGroup.ROUTED)
    bypassed = _by_tier(total, ShadowGroup.BYPASS)
    undecided = total.get(ShadowGroup.UNDECIDED.requests, 0)
    if not sum(routed) and (undecided or not sum(bypassed)):
        return None
    scale = 1 + undecided / sum(routed) if sum(routed) else 1.0
    counts = [b + scale * r for b, r in zip(bypassed, routed, strict=True)]
    return {tier: count / sum(counts) for tier, count in zip(Tier, counts, strict=True)}


def _by_tier(total: Counters, group: ShadowGroup) -> list[float]:
    return [total.get(group.tier(tier.value), 0.0) for tier in Tier]
