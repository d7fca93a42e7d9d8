"""Drift: does traffic still match what was predicted for the live prompt?

**What is compared.** When a prompt is promoted, its provenance records how it routed the held-out
rows (a uniform sample of routable traffic) and how long their queries were. Each day, the requests
that this version routed are compared with that prediction: the shares of the three tiers and of the
five length buckets. A promotion therefore is not drift. Neither is the effect of a key's allowed
tiers, of a fallback or of a router outage.

**The statistic** is Pearson's χ² for two samples, because both sides have sampling errors of the
same size. With o and p the observed and predicted shares, m requests and n effective rows, it is Σ
(o − p)² / (q · (1/m + 1/n)), where q are the pooled shares. Weighted rows count as Kish's (Σw)² /
Σw². Categories that are empty on both sides add no degree of freedom: given the pooled shares, they
cannot differ. A test for each pair of tiers, which would also show the direction of a shift, would
find hardly more than this single test.

**The error budget.** One false alarm in 20 weeks is one in 140 daily checks. Both tests together
spend 1/140 per check. Expectations add up under any dependence, so the bound needs no independence:
all checks share one prediction, and windows overlap, which only makes false alarms cluster, and a
cluster starts one run (`services.learning.check_drift`). Tiers get 4/5 of the budget because they
drive cost; longer queries that are routed as before cost no quality.

**The smallest shift that counts.** With much traffic, a one-point difference is significant but no
reason to learn early. So the total variation distance (the share of requests that would have to
move) must also reach 0.05. This threshold also keeps χ² valid when a tier is rare.

**The window** is the last full day plus as many earlier days, up to a week in all, as it takes to
reach 500 requests. With much traffic, a single day detects a shift soonest; 500 requests suffice to
detect a shift of 10 points. What was fixed before simulation, and what was not: docs/decisions/007.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from route_switch.domain.routing_prompt import Provenance, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import LENGTH_BUCKETS, length_bucket

ALPHA_PER_CHECK = 1 / 140
TIERS_ALPHA = ALPHA_PER_CHECK * 4 / 5
LENGTHS_ALPHA = ALPHA_PER_CHECK - TIERS_ALPHA
SMALLEST_DISTANCE = 0.05

WINDOW_REQUESTS = 500
MAX_WINDOW_DAYS = 7
MIN_SAMPLE = 100
"""Requests, or effective rows, below which nothing is compared."""
MAX_UNDECIDED = 0.02
"""If the router failed for more than this share of a day's requests, the rest is not a fair sample
of that day."""

ROUNDING = 1e-4
"""Shares are stored with four decimals."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Shares by tier (1 to 3) and by length bucket, and the effective number of rows."""

    rows: float
    tiers: tuple[float, ...]
    lengths: tuple[float, ...]

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[Tier, int, float]]) -> Self | None:
        """Compute shares from (tier, query tokens, weight) rows. Return None when there are
        none."""
        kept = list(rows)
        if not kept:
            return None
        total = math.fsum(weight for _, _, weight in kept)

        def share(of: Iterable[float]) -> float:
            return math.fsum(of) / total

        return cls(
            rows=total**2 / math.fsum(weight**2 for _, _, weight in kept),
            tiers=tuple(share(w for t, _, w in kept if t is tier) for tier in Tier),
            lengths=tuple(
                share(w for _, q, w in kept if length_bucket(q) == n) for n in LENGTH_BUCKETS
            ),
        )


@dataclass(frozen=True, slots=True)
class RoutedDay:
    """A day's requests that one prompt version routed, by tier and by length bucket. Requests whose
    router failed are counted by length only."""

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
    """`distance` is the total variation distance, 0..1. `p_value` is the probability of a χ² this
    large between two samples of the same traffic."""

    distance: float
    p_value: float

    def is_drift(self, alpha: float) -> bool:
        return self.p_value <= alpha and self.distance >= SMALLEST_DISTANCE


@dataclass(frozen=True, slots=True)
class Drift:
    """How `requests` differ from the prediction."""

    requests: int
    tiers: Difference
    lengths: Difference

    @property
    def is_found(self) -> bool:
        return self.tiers.is_drift(TIERS_ALPHA) or self.lengths.is_drift(LENGTHS_ALPHA)


@dataclass(frozen=True, slots=True)
class DriftDay:
    """A daily check. `day` is the last full day of the traffic that was compared."""

    day: date
    prompt_version: str
    drift: Drift


def compare_traffic(prediction: Prediction, newest_first: Sequence[RoutedDay]) -> Drift | None:
    """Return None when there are too few rows or requests to compare."""
    window = _window(newest_first)
    if min(sum(window.tiers), prediction.rows) < MIN_SAMPLE:
        return None
    return Drift(
        requests=window.requests,
        tiers=difference(prediction.tiers, prediction.rows, window.tiers),
        lengths=difference(prediction.lengths, prediction.rows, window.lengths),
    )


def difference(predicted: Sequence[float], rows: float, counts: Sequence[int]) -> Difference:
    """Compare shares measured on `rows` effective rows with counts of requests. Requires at least
    one request."""
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
    """Return P(χ² ≥ value). The closed forms for 1 and 2 degrees of freedom extend two at a time
    (Abramowitz and Stegun 26.4.8); with 0 degrees it is 1."""
    if degrees == 0:
        return 1.0
    half = value / 2
    tail = math.erfc(math.sqrt(half)) if degrees % 2 else math.exp(-half)
    steps = range(2 - degrees % 2, degrees, 2)
    return tail + math.fsum(
        half ** (k / 2) * math.exp(-half) / math.gamma(k / 2 + 1) for k in steps
    )


def as_provenance(prediction: Prediction, prompt: RoutingPrompt) -> Provenance:
    """Return the prediction as provenance. It includes the prompt version, because it is invalid
    for any other text."""
    return {
        "predicted_for": prompt.version,
        "predicted_rows": round(prediction.rows, 1),
        "predicted_tiers": _format_shares(prediction.tiers),
        "predicted_lengths": _format_shares(prediction.lengths),
    }


def prediction_of(prompt: RoutingPrompt) -> Prediction | None:
    """Return the prediction in the provenance. Return None when there is none, or when it was made
    for another text because somebody edited the prompt by hand."""
    said = prompt.provenance
    if said.get("predicted_for") != prompt.version:
        return None
    try:
        return Prediction(
            rows=_parse_numbers(said["predicted_rows"], 1)[0],
            tiers=_parse_shares(said["predicted_tiers"], len(Tier)),
            lengths=_parse_shares(said["predicted_lengths"], len(LENGTH_BUCKETS)),
        )
    except (KeyError, ValueError):  # somebody edited the provenance
        return None


def _window(newest_first: Sequence[RoutedDay]) -> RoutedDay:
    window = RoutedDay((0,) * len(Tier), (0,) * len(LENGTH_BUCKETS))
    for day in newest_first[:MAX_WINDOW_DAYS]:
        if window.requests >= WINDOW_REQUESTS:
            break
        if day.is_sample:
            window += day
    return window


def _sums(some: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(map(sum, zip(some, others, strict=True)))


def _format_shares(shares: Sequence[float]) -> str:
    return " ".join(f"{share:.4f}" for share in shares)


def _parse_numbers(text: object, count: int) -> tuple[float, ...]:
    numbers = tuple(map(float, str(text).split()))
    if len(numbers) != count or not all(0 <= number < math.inf for number in numbers):
        raise ValueError(f"expected {count} finite numbers, 0 or greater")
    return numbers


def _parse_shares(text: object, count: int) -> tuple[float, ...]:
    shares = _parse_numbers(text, count)
    if abs(math.fsum(shares) - 1) > ROUNDING * count:
        raise ValueError("the shares do not sum to 1")
    return shares
