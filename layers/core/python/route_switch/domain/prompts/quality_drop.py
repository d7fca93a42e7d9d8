"""Do people rate the live prompt's answers lower than its predecessor's?

**The data** are scores (0..1; a thumb is 0 or 1) of requests whose tier the prompt chose, kept as
three sums per prompt version. People choose whether to give feedback, so both sides are biased. The
bias is the same on both sides as long as a promotion does not change who gives feedback.

**The statistic.** Under the null hypothesis of equal means, the signed root z of the deviance, 2 ·
Σ n · KL(mean ‖ pooled mean), is close to normal even for few scores near 1, because it is the
likelihood ratio of thumbs. Finer scores vary less than thumbs of the same mean, so the deviance is
divided by the pooled variance over m · (1 − m) (quasi-likelihood; McCullagh and Nelder 1989, 9.2).

**Hourly checks.** Over the information I = 1 / (σ² · (1/n + 1/n')), z · √I is a Brownian motion,
whichever side grows (Jennison and Turnbull 1997). Robbins' (1970) mixture over drops, here
half-normal with scale τ, therefore bounds it at all times at once. If the two are equal, the
probability that z ever reaches

    z² ≥ 2 · (1 + 1/(τ² I)) · ln(√(1 + τ² I) / (2 α))

is at most α, however often it is checked (Johari, Koomen, Pekelis and Walsh 2022 call this always
valid). So checks need no count and keep no state.

**Clients.** A drop must also be there without the scores of any one client, so that no client can
roll back a prompt that the others rate no lower (`domain.clients`).

**The smallest drop that counts.** With much feedback even a one-point difference is significant,
but it is no reason to roll back a prompt that was found better at its cost. Simulated behavior:
docs/decisions/011.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from route_switch.domain.clients import belongs_to, key_of

ALPHA = 0.05
"""Upper bound on the probability of ever rolling back a prompt that is rated no lower."""

TYPICAL_DROP = 0.1
"""τ: the drop for which the bound is tightest. The bound holds for any drop."""

SMALLEST_DROP = 0.05
MIN_SCORES = 30
"""Scores that each side needs before they are compared."""


@dataclass(frozen=True, slots=True)
class Scores:
    """`n` scores from 0 to 1, with their sum and sum of squares."""

    n: int = 0
    total: float = 0.0
    total_squares: float = 0.0

    @property
    def mean(self) -> float:
        """Requires at least one score."""
        return min(max(self.total / self.n, 0.0), 1.0)  # float sums are inexact

    @property
    def variance(self) -> float:
        """The variance about the scores' own mean. Requires at least one score."""
        return max(self.total_squares / self.n - self.mean**2, 0.0)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.n + other.n, self.total + other.total, self.total_squares + other.total_squares
        )

    def __sub__(self, other: Self) -> Self:
        return type(self)(
            self.n - other.n, self.total - other.total, self.total_squares - other.total_squares
        )


@dataclass(frozen=True, slots=True)
class QualityComparison:
    """`z` is the statistic, positive when `now` is rated lower. `bound` is what z must reach."""

    before: Scores
    now: Scores
    z: float
    bound: float

    @property
    def drop(self) -> float:
        return self.before.mean - self.now.mean

    @property
    def is_drop(self) -> bool:
        return self.drop >= SMALLEST_DROP and self.z >= self.bound


def compare_scores(before: Scores, now: Scores) -> QualityComparison | None:
    """Return None when there are too few scores, or when all scores are equal."""
    if min(before.n, now.n) < MIN_SCORES:
        return None
    pooled = before + now
    if pooled.variance <= 0:
        return None
    deviance = 2 * sum(side.n * divergence(side.mean, pooled.mean) for side in (before, now))
    spread = pooled.variance / (pooled.mean * (1 - pooled.mean))
    noise = pooled.variance * (1 / before.n + 1 / now.n)
    z = math.copysign(math.sqrt(deviance / spread), before.mean - now.mean)
    return QualityComparison(before, now, z, bound(1 / noise))


def rests_on(
    before: Mapping[str, Scores],
    now: Mapping[str, Scores],
    trusted_keys: frozenset[str] = frozenset(),
) -> str | None:
    """Return a client without whose scores there is no drop, or None if there is none. The scores
    are by client; those of `trusted_keys` are the owner's and always count."""
    groups = {key_of(client) for client in (*before, *now)}
    if len(groups) == 1 and not groups <= trusted_keys:
        groups = {*before, *now}
    for group in sorted(groups - trusted_keys):
        found = compare_scores(_without(before, group), _without(now, group))
        if found is None or not found.is_drop:
            return group
    return None


def _without(scores: Mapping[str, Scores], group: str) -> Scores:
    others = (each for client, each in scores.items() if not belongs_to(client, group))
    return sum(others, Scores())


def divergence(mean: float, of: float) -> float:
    """Return the Kullback-Leibler divergence of two Bernoulli means. `of` must not be 0 or 1."""
    parts = ((mean, of), (1 - mean, 1 - of))
    return max(math.fsum(p * math.log(p / q) for p, q in parts if p > 0), 0.0)


def bound(information: float) -> float:
    """Return the value that z ever reaches with probability at most `ALPHA`."""
    growth = 1 + TYPICAL_DROP**2 * information
    return math.sqrt(2 * growth / (growth - 1) * math.log(math.sqrt(growth) / (2 * ALPHA)))
