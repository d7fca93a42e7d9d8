"""The promise: at most a given share of answers is worse than Tier 3's.

The gate compares two prompts on average. A promise is about one policy: with 95% confidence, the
share of its answers that are worse than Tier 3's is at most the limit that the owner chose.

**The test.** A policy keeps the promise if so few losses would be improbable for a policy whose
loss is the limit. Rows of equal weight get the exact binomial test, whose inversion is the bound of
Clopper and Pearson (1934). It holds as well if rows differ in their probability of a loss
(Hoeffding 1956). Rows of unequal weight, and clusters of rows, get a betting test (Waudby-Smith and
Ramdas 2024): a bettor stakes money on each row, at odds that are fair for a policy whose loss is
the limit. Such a policy multiplies the money by 20 with a probability of at most 1/20. The money is
split evenly over eleven stakes in advance, so the order of the rows does not matter. The betting
test assumes that rows are independent draws and that none could weigh more than the heaviest one.

**The looks.** Each look uses rows that no earlier look has used, and spends its part of the
promises' own 5% (`promotion.alpha_of_look`). So the probability that any promise of a stage is
wrong, over all weeks, is at most 5%.

**Clients.** The rows must also certify the policy without any one client
(`domain.learning.clients`), so that no client can cause a promise by what it asks or says.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from route_switch.domain.learning.clients import LeftOut, Weights, to_leave_out, weight_without
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt

CONFIDENCE = 0.95
"""Over all looks together."""

NOT_PROMISED = "cannot be promised"
"""The verdict on a better candidate whose quality cannot be promised although the stage asks."""

STAKES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98)
"""Shares of the largest possible stake. With equal weights, the best is 1 − loss / limit (Kelly
1956)."""

MOST_ROWS = 100_000
"""If more rows than this are needed, the promise is out of reach."""

_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class CertifyingRow:
    """A held-out row. `loss` is 1 if the policy's answer is worse than Tier 3's, else 0.

    Rows with the same `cluster` (rows from one template, for example) count as one. `asked_by` and
    `labeled_by` say whose the row is, as in `HeldOutGain`.
    """

    loss: float
    weight: float = 1.0
    cluster: str | None = None
    asked_by: Weights = field(default_factory=dict)
    labeled_by: str | None = None

    def without(self, left_out: LeftOut) -> "CertifyingRow | None":
        """Return the row as it is without the client, or None if nothing of it is left."""
        weight = weight_without(left_out, self.weight, self.asked_by, self.labeled_by)
        return replace(self, weight=weight) if weight else None


@dataclass(frozen=True, slots=True)
class Losses:
    """A policy's losses: how many independent draws have each (weight, loss)."""

    counts: Mapping[tuple[float, float], int]

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @property
    def rate(self) -> float:
        """The weighted share of losses; 0 without rows."""
        total = math.fsum(weight * n for (weight, _), n in self.counts.items())
        lost = math.fsum(weight * loss * n for (weight, loss), n in self.counts.items())
        return lost / total if total else 0.0

    @property
    def lost(self) -> int:
        return sum(n for (_, loss), n in self.counts.items() if loss == 1)

    @property
    def is_binomial(self) -> bool:
        equal = len({weight for weight, _ in self.counts}) <= 1
        return equal and all(loss in (0.0, 1.0) for _, loss in self.counts)


def losses_of(rows: Iterable[CertifyingRow]) -> Losses:
    """Count the rows. A cluster is one draw: its weight is that of its rows together, its loss
    their weighted mean."""
    counts: Counter[tuple[float, float]] = Counter()
    clusters: dict[str, list[CertifyingRow]] = {}
    for row in rows:
        if row.cluster is None:
            counts[row.weight, row.loss] += 1
        else:
            clusters.setdefault(row.cluster, []).append(row)
    for members in clusters.values():
        weight = math.fsum(row.weight for row in members)
        lost = math.fsum(row.weight * row.loss for row in members)
        counts[weight, lost / weight] += 1
    return Losses(counts)


def certifies(losses: Losses, limit: float, alpha: float) -> bool:
    """Return whether the loss is at most `limit` with confidence 1 − `alpha`. `limit` is above 0
    and below 1."""
    return _log_doubt(losses, limit) <= math.log(alpha)


def client_relied_on(rows: Sequence[CertifyingRow], limit: float, alpha: float) -> str | None:
    """Return a client without which the rows do not certify `limit`, or None if there is none."""
    total = math.fsum(row.weight for row in rows)
    for each in to_leave_out((row.asked_by for row in rows), total):
        kept = (row.without(each) for row in rows)
        if not certifies(losses_of(row for row in kept if row is not None), limit, alpha):
            return each.client
    return None


def loss_at_most(losses: Losses, alpha: float) -> float:
    """Return the smallest limit that the rows certify, 1 if there is none."""
    low, high = losses.rate, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if 0 < middle < 1 and certifies(losses, middle, alpha):
            high = middle
        else:
            low = middle
    return high


def rows_needed(losses: Losses, limit: float, alpha: float) -> int | None:
    """Return about how many rows certify `limit` in one look if the observed rate stays.

    None if no number is enough because the rate is not below the limit, or if there are no rows.
    """
    if losses.n == 0 or losses.rate >= limit:
        return None

    def enough(rows: int) -> bool:
        return _log_doubt(losses, limit, rows / losses.n) <= math.log(alpha)

    high = 1
    while not enough(high):
        high *= 2
        if high > MOST_ROWS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def percent(share: float) -> str:
    return f"{100 * share:g}%"


def promise_sentence(limit: float, rows: int) -> str:
    return (
        f"at most {percent(limit)} of answers are worse than Tier 3's "
        f"({percent(CONFIDENCE)} confidence, {rows:,} rows)"
    )


def promise_of(prompt: RoutingPrompt) -> str | None:
    """Return what the run that made this prompt can promise, or that it cannot, as a sentence. None
    if it was asked for no promise, or if somebody edited the prompt since."""
    said = prompt.provenance
    if "promise" not in said or said.get("promise_for") != prompt.version:
        return None
    return str(said["promise"])


def promised_loss(prompt: RoutingPrompt) -> float | None:
    """Return the largest share of worse answers that this prompt has a promise for, if any."""
    limit = prompt.provenance.get("promised_loss")
    return limit if promise_of(prompt) is not None and isinstance(limit, float) else None


def as_provenance(sentence: str, limit: float | None, prompt: RoutingPrompt) -> Provenance:
    """Return the promise as provenance; `limit` is None if there is none. It includes the prompt
    version, because a promise is invalid for any other text."""
    kept: Provenance = {} if limit is None else {"promised_loss": limit}
    return {"promise": sentence, "promise_for": prompt.version, **kept}


def _log_doubt(losses: Losses, limit: float, times: float = 1.0) -> float:
    """Return the logarithm of an upper bound on the probability that a policy whose loss is `limit`
    shows so few losses. `times` scales the numbers of rows."""
    if losses.n == 0:
        return 0.0
    if losses.is_binomial:
        lost = math.ceil(losses.lost * times - 1e-9)
        return _log_binomial_tail(lost, round(losses.n * times), limit)
    made = [times * log for log in _log_money(losses, limit)]
    return min(math.log(len(STAKES)) - _log_sum(made), 0.0)


def _log_money(losses: Losses, limit: float) -> list[float]:
    """Return the logarithm of the factor by which each stake has multiplied its money.

    On a row with the heaviest weight, a loss costs the share `stake` of the money, and an answer
    that is no worse wins stake · limit / (1 − limit).
    """
    heaviest = max(weight for weight, _ in losses.counts)
    won = [
        (weight / heaviest * (limit - loss) / (1 - limit), n)
        for (weight, loss), n in losses.counts.items()
    ]
    return [math.fsum(n * math.log1p(stake * each) for each, n in won) for stake in STAKES]


def _log_sum(logs: Sequence[float]) -> float:
    most = max(logs)
    return most + math.log(math.fsum(math.exp(log - most) for log in logs))


def _log_binomial_tail(most: int, n: int, p: float) -> float:
    """Return log P(X ≤ most) for X binomial (n, p)."""
    if most >= n:
        return 0.0
    odds = math.log(p) - math.log1p(-p)
    terms = [n * math.log1p(-p)]
    for k in range(1, most + 1):
        terms.append(terms[-1] + math.log((n - k + 1) / k) + odds)
    return _log_sum(terms)
