"""Drift: is traffic still what the live prompt was predicted to get?

**What is compared.** When a prompt is promoted, its provenance says how it routed the held-out rows
(a uniform sample of routable traffic) and how long their queries were. Every day, requests that
this very version routed are compared with that: the shares of the three tiers, and of five ranges
of length. So a promotion is no drift, and neither is what a key's allowed tiers, a fallback or an
outage of the router did to a request.

**The statistic** is Pearson's χ² for two samples, since both sides have sampling errors of the same
size: with o and p the observed and the predicted shares, m requests and n effective rows,
Σ (o − p)² / (q · (1/m + 1/n)) with q the pooled shares. Weighted rows count as Kish's (Σw)² / Σw².
Categories that are empty on both sides are no degrees of freedom: given the pooled shares they
cannot differ. One test for each pair of tiers, which knows the direction of a shift, would find
hardly more than one for all.

**The error budget.** One false alarm in 20 weeks is one in 140 looks. Both tests together spend
1/140 a look, and since expectations add up whatever depends on what, the bound needs no
independence: all looks share one prediction and windows overlap, which only makes false alarms
come in bunches, and a bunch is one run (`services.check_drift`). Tiers get 4/5 of the budget: they
are what costs money; longer queries that are routed as before cost no quality.

**The smallest shift that counts.** With much traffic, a difference of one point is significant and
no reason to learn early: the total variation distance (the share of requests that would have to
move) must reach 0.05 as well. That is also what makes χ² safe where a tier is rare.

**The window** is the last whole day, and as many before it, up to a week, as 500 requests take:
one day alone notices soonest where traffic is large, and 500 is the size at which a shift of 10
points has to be noticed. What was fixed before it was simulated, and what was not:
docs/decisions/007.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from route_switch.domain.routing_prompt import Provenance, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import LENGTHS, length_of

ALPHA = 1 / 140
TIERS_ALPHA = ALPHA * 4 / 5
LENGTHS_ALPHA = ALPHA - TIERS_ALPHA
SMALLEST_DISTANCE = 0.05

ENOUGH_REQUESTS = 500
MAX_DAYS = 7
FEWEST = 100
"""Requests, or effective rows, below which nothing is compared."""
MAX_UNDECIDED = 0.02
"""On a day with more requests than this share whose router did not answer, those that are left
are no sample of that day."""

ROUNDING = 1e-4
"""Shares are written with four decimals."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Shares by tier (1 to 3) and by range of length, and the effective number of rows."""

    rows: float
    tiers: tuple[float, ...]
    lengths: tuple[float, ...]

    @classmethod
    def of(cls, rows: Iterable[tuple[Tier, int, float]]) -> Self | None:
        """From tier, query tokens and weight of each row; None where there are none."""
        kept = list(rows)
        if not kept:
            return None
        total = math.fsum(weight for _, _, weight in kept)

        def share(of: Iterable[float]) -> float:
            return math.fsum(of) / total

        return cls(
            rows=total**2 / math.fsum(weight**2 for _, _, weight in kept),
            tiers=tuple(share(w for t, _, w in kept if t is tier) for tier in Tier),
            lengths=tuple(share(w for _, q, w in kept if length_of(q) == n) for n in LENGTHS),
        )


@dataclass(frozen=True, slots=True)
class RoutedDay:
    """Requests of a day that one version of the prompt routed, by tier and by range of length.
    Those whose router did not answer have a length only."""

    tiers: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def requests(self) -> int:
        return sum(self.lengths)

    @property
    def is_sample(self) -> bool:
        return self.requests - sum(self.tiers) <= MAX_UNDECIDED * self.requests

    def __add__(self, other: Self) -> Self:
        return type(self)(_sums(self.tiers, other.tiers), _sums(self.lengths, other.lengths))


@dataclass(frozen=True, slots=True)
class Difference:
    """`distance` is the total variation distance, 0..1; `p_value` the probability of this much χ²
    or more between two samples of the same traffic."""

    distance: float
    p_value: float

    def is_drift(self, alpha: float) -> bool:
        return self.p_value <= alpha and self.distance >= SMALLEST_DISTANCE


@dataclass(frozen=True, slots=True)
class Drift:
    """What `requests` differ from the prediction by."""

    requests: int
    tiers: Difference
    lengths: Difference

    @property
    def is_found(self) -> bool:
        return self.tiers.is_drift(TIERS_ALPHA) or self.lengths.is_drift(LENGTHS_ALPHA)


def compare(prediction: Prediction, newest_first: Sequence[RoutedDay]) -> Drift | None:
    """None where there are too few rows or requests to tell anything."""
    window = _window(newest_first)
    if min(sum(window.tiers), prediction.rows) < FEWEST:
        return None
    return Drift(
        requests=window.requests,
        tiers=difference(prediction.tiers, prediction.rows, window.tiers),
        lengths=difference(prediction.lengths, prediction.rows, window.lengths),
    )


def difference(predicted: Sequence[float], rows: float, counts: Sequence[int]) -> Difference:
    """Between shares measured on so many effective rows and counts of requests, at least one."""
    requests = sum(counts)
    pairs = [(p, count / requests) for p, count in zip(predicted, counts, strict=True)]
    used = [(p, o) for p, o in pairs if p or o]
    noise = 1 / rows + 1 / requests
    chi_square = math.fsum(
        (o - p) ** 2 / ((rows * p + requests * o) / (rows + requests) * noise) for p, o in used
    )
    distance = math.fsum(abs(o - p) for p, o in used) / 2
    return Difference(distance, chi_square_tail(chi_square, len(used) - 1))


def chi_square_tail(value: float, degrees: int) -> float:
    """P(χ² ≥ value), at least 0 degrees of freedom: from 1 or 2 of them, two more at a time
    (Abramowitz and Stegun 26.4.8)."""
    if degrees == 0:
        return 1.0
    half = value / 2
    tail = math.erfc(math.sqrt(half)) if degrees % 2 else math.exp(-half)
    steps = range(2 - degrees % 2, degrees, 2)
    return tail + math.fsum(
        half ** (k / 2) * math.exp(-half) / math.gamma(k / 2 + 1) for k in steps
    )


def as_provenance(prediction: Prediction, prompt: RoutingPrompt) -> Provenance:
    """With the version that it was measured with: it is void for any other text."""
    return {
        "predicted_for": prompt.version,
        "predicted_rows": round(prediction.rows, 1),
        "predicted_tiers": _written(prediction.tiers),
        "predicted_lengths": _written(prediction.lengths),
    }


def prediction_of(prompt: RoutingPrompt) -> Prediction | None:
    """What the provenance predicts; None where it predicts nothing, or of another text: somebody
    edited the prompt by hand."""
    said = prompt.provenance
    if said.get("predicted_for") != prompt.version:
        return None
    try:
        return Prediction(
            rows=_read(said["predicted_rows"], 1)[0],
            tiers=_read_shares(said["predicted_tiers"], len(Tier)),
            lengths=_read_shares(said["predicted_lengths"], len(LENGTHS)),
        )
    except (KeyError, ValueError):  # somebody edited the provenance
        return None


def _window(newest_first: Sequence[RoutedDay]) -> RoutedDay:
    window = RoutedDay((0,) * len(Tier), (0,) * len(LENGTHS))
    for day in newest_first[:MAX_DAYS]:
        if window.requests >= ENOUGH_REQUESTS:
            break
        if day.is_sample:
            window += day
    return window


def _sums(some: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(map(sum, zip(some, others, strict=True)))


def _written(shares: Sequence[float]) -> str:
    return " ".join(f"{share:.4f}" for share in shares)


def _read(text: object, count: int) -> tuple[float, ...]:
    numbers = tuple(map(float, str(text).split()))
    if len(numbers) != count or not all(0 <= number < math.inf for number in numbers):
        raise ValueError(f"no {count} finite numbers from 0 on")
    return numbers


def _read_shares(text: object, count: int) -> tuple[float, ...]:
    shares = _read(text, count)
    if abs(math.fsum(shares) - 1) > ROUNDING * count:
        raise ValueError("no shares of a whole")
    return shares
