"""The promotion gate: may the candidate replace the incumbent?

**The error budget.** The gate looks once a week, for years. Look k spends α_k = α · 6 / (π² k²) of
the budget α; these parts sum to α over all future looks. The interval is two-sided at level 1 −
α_k. Each look uses rows that no earlier look has used. (At a constant 95% per look, 52 looks would
promote a prompt that is no better with 73% probability.)

**The guard.** A candidate that moves many rows to a cheaper tier saves a little on each and rarely
loses an answer. A few hundred rows may show no loss at all. The variance then looks tiny, and a
mean ± z · SE interval promotes a no-better prompt almost surely (measured: 27 times α_1, 4,500
times α_13). Each bound therefore adds z²/3 worst-case rows: lost answers for the lower bound, won
ones for the upper. Two arguments lead to this number. It is Agresti and Min's (2005)
pseudo-observations for matched pairs, which are constant there but have to grow with z² here. And
z²/3 rows is the leading term of Johnson's (1978) skewness correction, (2z² + 1)/6 · μ₃/(σ² n), at
the worst skewness that losing one answer can cause, μ₃ = −σ². The most a row can lose is a whole
answer, 1, or the largest observed loss if a row's cost makes it larger.

Measured behavior (docs/decisions/003): for losses in 0.5 to 20% of rows that savings balance
exactly, n = 20 to 2,000 and looks 1 to 52, the probability of promotion is at most 0.51 · α_k, the
half that belongs to one side. A single pseudo-row of each sign reaches 50 · α_k.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from pydantic import BaseModel, ConfigDict

from route_switch.domain.errors import ConfigurationError

ALPHA = 0.05
"""Error budget over all looks."""

DELTA = 0.01
"""The smallest gain, in points of the objective, that justifies a promotion."""

MIN_ROWS = 50
"""With fewer fresh rows there is no look; the rows wait for next week's."""

POWER = 0.8

GateVerdict = Literal["better", "not better", "not enough evidence"]


class GateHistory(BaseModel):
    """What earlier gates used up: `looks`, and the keys of rows that no later gate may use.

    `seen` grows by about 20 bytes per held-out row. It never expires: a query that returns after a
    year is not new.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    looks: int = 0
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class HeldOutGain:
    """The candidate's reward minus the incumbent's on one held-out row.

    `key` is `Example.key`. `moved` says whether the two prompts choose different tiers.
    """

    key: str
    gain: float
    weight: float = 1.0
    moved: bool = True


@dataclass(frozen=True, slots=True)
class GateResult:
    """`mean` and its interval `low`..`high` at level 1 − `alpha` over `n` fresh rows.

    `smallest_visible` is the gain that this many rows would have detected with 80% probability.
    `look` counts from 1. `history` is the history to store; it is unchanged when there were too few
    rows to look.
    """

    verdict: GateVerdict
    mean: float
    low: float
    high: float
    n: int
    alpha: float
    look: int
    delta: float
    smallest_visible: float
    moved: float
    history: GateHistory


def alpha_of_look(look: int, alpha: float = ALPHA) -> float:
    """Return a look's part of the budget. `look` counts from 1, and the parts sum to `alpha`."""
    return alpha * 6 / (math.pi * look) ** 2


def gate(
    rows: Sequence[HeldOutGain],
    history: GateHistory,
    delta: float = DELTA,
    alpha: float = ALPHA,
    min_rows: int = MIN_ROWS,
) -> GateResult:
    """Return the verdict on all of this week's held-out `rows`, except those in `history`.

    With fewer than `min_rows` fresh rows there is no look.

    *Better*: the lower bound is above 0 and the mean gain reaches `delta`. *Not better*: the upper
    bound is below `delta`.
    """
    fresh = [row for row in rows if row.key not in history.seen]
    look = history.looks + 1
    alpha_k = alpha_of_look(look, alpha)
    bounds = guarded_bounds([r.gain for r in fresh], [r.weight for r in fresh], alpha_k)
    looked = len(fresh) >= min_rows
    total = sum(row.weight for row in fresh)
    return GateResult(
        verdict=_verdict(bounds, delta) if looked else "not enough evidence",
        mean=bounds.mean,
        low=bounds.low,
        high=bounds.high,
        n=len(fresh),
        alpha=alpha_k,
        look=look,
        delta=delta,
        smallest_visible=bounds.smallest_visible(delta),
        moved=sum(row.weight for row in fresh if row.moved) / total if fresh else 0.0,
        history=(
            GateHistory(looks=look, seen=history.seen | {row.key for row in rows})
            if looked
            else history
        ),
    )


def select_best(objectives: Sequence[float]) -> int:
    """Return the index of the best objective on validation rows. The incumbent comes first and wins
    ties, so nothing is proposed unless it is better there."""
    return max(range(len(objectives)), key=lambda i: (objectives[i], -i))


@dataclass(frozen=True, slots=True)
class Bounds:
    """A weighted mean and its guarded bounds. `error` is the mean's plain standard error."""

    mean: float
    low: float
    high: float
    error: float

    def smallest_visible(self, delta: float) -> float:
        margin = max(self.mean - self.low, delta)
        return margin + NormalDist().inv_cdf(POWER) * self.error


def guarded_bounds(gains: Sequence[float], weights: Sequence[float], alpha: float) -> Bounds:
    """Return two-sided bounds of the weighted mean at level 1 − `alpha`; the module docstring
    explains the guard. Without rows, anything from a lost to a won answer is possible."""
    if not gains:
        return Bounds(0.0, -1.0, 1.0, 0.0)
    if not all(map(math.isfinite, gains)):
        raise ConfigurationError(
            "A gain is not a finite number: some row has no outcome or no cost."
        )
    z = NormalDist().inv_cdf(1 - alpha / 2)
    mean, error = _mean_and_error(gains, weights, 0.0, 0.0)
    losses = [-gain for gain in gains]
    return Bounds(
        mean=mean,
        low=_lower_bound(gains, weights, z),
        high=-_lower_bound(losses, weights, z),
        error=error,
    )


def _lower_bound(gains: Sequence[float], weights: Sequence[float], z: float) -> float:
    mean, error = _mean_and_error(gains, weights, z * z / 3, min(-1.0, *gains))
    return mean - z * error


def _mean_and_error(
    gains: Sequence[float], weights: Sequence[float], added: float, worst: float
) -> tuple[float, float]:
    """Return the weighted mean and its standard error, counting in `added` rows of value `worst`
    with the largest weight. The error is linearized, so it holds even if gains depend on weights.
    """
    heaviest = max(weights)
    total = math.fsum(weights) + added * heaviest
    pairs = list(zip(weights, gains, strict=True))
    mean = (math.fsum(w * g for w, g in pairs) + added * heaviest * worst) / total
    squares = math.fsum((w * (g - mean)) ** 2 for w, g in pairs)
    return mean, math.sqrt(squares + added * (heaviest * (worst - mean)) ** 2) / total


def _verdict(bounds: Bounds, delta: float) -> GateVerdict:
    if bounds.low > 0 and bounds.mean >= delta:
        return "better"
    return "not better" if bounds.high < delta else "not enough evidence"
