"""Do people rate the live prompt's answers lower than those of the version that served before it?

**What is compared** are the scores (0..1; a thumb is 0 or 1) of requests whose tier a version of
the prompt chose, by version, as three sums. Who gives feedback chose to: both sides are biased,
and in the same way as far as a promotion does not change who speaks up.

**The statistic.** Under "equal", the signed root z of the deviance, 2 · Σ n · KL(mean ‖ pooled
mean), is normal also where scores are close to 1 and few, since it is the likelihood ratio of
thumbs. Finer scores vary less than thumbs of the same mean: it is divided by the pooled variance
over m · (1 − m) (quasi-likelihood; McCullagh and Nelder 1989, 9.2).

**It is looked at every hour, for weeks.** Along the information I = 1 / (σ² · (1/n + 1/n')), z · √I
is a Brownian motion, whichever side grows (Jennison and Turnbull 1997), so Robbins' (1970) mixture
over drops, here half-normal with scale τ, bounds it at all times at once:

    z² ≥ 2 · (1 + 1/(τ² I)) · ln(√(1 + τ² I) / (2 α))

with probability α at most, if the two are equal, however often somebody looks (Johari, Koomen,
Pekelis and Walsh 2022 call it always valid). So no look is counted, and nothing is remembered from
one to the next.

**The smallest drop that counts.** With much feedback a difference of a point is significant, and no
reason to take back a prompt that was found better at its cost. What it does, simulated:
docs/decisions/011.
"""

import math
from dataclasses import dataclass
from typing import Self

ALPHA = 0.05
"""The probability that a prompt that is rated alike is ever rolled back, at most."""

TYPICAL_DROP = 0.1
"""τ: where the bound is tightest. It holds for any."""

SMALLEST_DROP = 0.05
FEWEST = 30
"""Scores on either side, below which nothing is compared."""


@dataclass(frozen=True, slots=True)
class Scores:
    """`n` scores of 0 to 1, their sum and the sum of their squares."""

    n: int = 0
    total: float = 0.0
    total_squares: float = 0.0

    @property
    def mean(self) -> float:
        """Of at least one."""
        return min(max(self.total / self.n, 0.0), 1.0)  # sums of decimals are rounded

    @property
    def variance(self) -> float:
        """Of at least one, about their own mean."""
        return max(self.total_squares / self.n - self.mean**2, 0.0)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.n + other.n, self.total + other.total, self.total_squares + other.total_squares
        )


@dataclass(frozen=True, slots=True)
class QualityComparison:
    """`z` is the statistic, above 0 where `now` is rated lower; `bound` is what it has to reach."""

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


def compare(before: Scores, now: Scores) -> QualityComparison | None:
    """None where there are too few scores to tell anything, or all are the same."""
    if min(before.n, now.n) < FEWEST:
        return None
    pooled = before + now
    if pooled.variance <= 0:
        return None
    deviance = 2 * sum(side.n * divergence(side.mean, pooled.mean) for side in (before, now))
    spread = pooled.variance / (pooled.mean * (1 - pooled.mean))
    noise = pooled.variance * (1 / before.n + 1 / now.n)
    z = math.copysign(math.sqrt(deviance / spread), before.mean - now.mean)
    return QualityComparison(before, now, z, bound(1 / noise))


def divergence(mean: float, of: float) -> float:
    """Kullback and Leibler's, of two thumbs with these means; `of` is neither 0 nor 1."""
    parts = ((mean, of), (1 - mean, 1 - of))
    return max(math.fsum(p * math.log(p / q) for p, q in parts if p > 0), 0.0)


def bound(information: float) -> float:
    """What z reaches with probability `ALPHA` at most, at any time at all."""
    growth = 1 + TYPICAL_DROP**2 * information
    return math.sqrt(2 * growth / (growth - 1) * math.log(math.sqrt(growth) / (2 * ALPHA)))
