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

**Clients.** *Better* must also hold without any one client (`domain.learning.clients`): the same
test, at the same level, on the rows that remain.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.clients import to_leave_out
from route_switch.domain.learning.held_out_gain import HeldOutGain, Reliance, by_template

ALPHA = 0.05
"""Error budget over all looks."""

DELTA = 0.01
"""The smallest gain, in points of the objective, that justifies a promotion."""

MIN_ROWS = 50
"""With fewer fresh rows there is no look; the rows wait for next week's."""

POWER = 0.8

GateVerdict = Literal["better", "not better", "not enough evidence"]


class TakenLook(BaseModel):
    """A look that was counted: its number, and the keys of the rows that it tests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    look: int
    rows: frozenset[str]


class GateHistory(BaseModel):
    """What earlier gates used up: `looks`, and the keys of rows that no other test may use.

    `seen` grows by about 20 bytes per held-out row. It never expires: a query that returns after a
    year is not new. `taken` has the newest look of each test (`digest_of_test`), so that a run that
    was interrupted after its look was counted can read its own verdict.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    looks: int = 0
    seen: frozenset[str] = frozenset()
    taken: dict[str, TakenLook] = Field(default_factory=dict)

    def next_look(self, test: str | None, keys: Iterable[str]) -> TakenLook:
        """Return the look that this test may take.

        If the test has looked before and no other has since, it is the same look: the same rows at
        the same level give the same verdict. Otherwise it is a new look with what is left of the
        budget. It may use its own earlier rows again, because each look is a valid test by itself
        and the levels of all looks sum to the budget.
        """
        earlier = None if test is None else self.taken.get(test)
        if earlier is not None and earlier.look == self.looks:
            return earlier
        own = frozenset() if earlier is None else earlier.rows
        return TakenLook(look=self.looks + 1, rows=frozenset(keys) - (self.seen - own))

    def after(self, test: str | None, taken: TakenLook, keys: Iterable[str]) -> "GateHistory":
        """Return the history after this look. It only grows."""
        if taken.look <= self.looks:
            return self
        named = {} if test is None else {test: taken}
        return GateHistory(
            looks=taken.look, seen=self.seen | frozenset(keys), taken=self.taken | named
        )


@dataclass(frozen=True, slots=True)
class GateResult:
    """`mean` and its interval `low`..`high` at level 1 − `alpha` over `n` fresh rows; those of one
    template count as one.

    `smallest_visible` is the gain that this many rows would have detected with 80% probability.
    `look` counts from 1. `history` is the history to store; it is unchanged when there were too few
    rows to look, or when this test had looked before. `rests_on` is the client on which the
    evidence rests, if it does: the verdict is then *not enough evidence*, or, if it rests on the
    labels of a dominant client, *better* that a person has to approve.
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
    rests_on: Reliance | None = None

    @property
    def needs_approval(self) -> str | None:
        return None if self.rests_on is None or self.verdict != "better" else str(self.rests_on)


def alpha_of_look(look: int, alpha: float = ALPHA) -> float:
    """Return a look's part of the budget. `look` counts from 1, and the parts sum to `alpha`."""
    return alpha * 6 / (math.pi * look) ** 2


def gate(
    rows: Sequence[HeldOutGain],
    history: GateHistory,
    delta: float = DELTA,
    alpha: float = ALPHA,
    min_rows: int = MIN_ROWS,
    test: str | None = None,
) -> GateResult:
    """Return the verdict on all of this week's held-out `rows`, except those in `history`.

    With fewer than `min_rows` fresh rows (templates, if rows share some) there is no look.

    *Better*: the lower bound is above 0 and the mean gain reaches `delta`. *Not better*: the upper
    bound is below `delta`. `test` identifies the test to `history`.
    """
    keys = frozenset(row.key for row in rows)
    taken = history.next_look(test, keys)
    fresh = [row for row in rows if row.key in taken.rows]
    alpha_k = alpha_of_look(taken.look, alpha)
    draws, bounds = by_template(fresh), _bounds(fresh, alpha_k)
    looked = len(draws) >= min_rows
    total = sum(row.weight for row in draws)
    verdict = _verdict(bounds, delta) if looked else "not enough evidence"
    rests_on = _rests_on(fresh, alpha_k, delta) if verdict == "better" else None
    if rests_on is not None and not rests_on.dominant:
        verdict = "not enough evidence"
    return GateResult(
        verdict=verdict,
        mean=bounds.mean,
        low=bounds.low,
        high=bounds.high,
        n=len(draws),
        alpha=alpha_k,
        look=taken.look,
        delta=delta,
        smallest_visible=bounds.smallest_visible(delta),
        moved=sum(row.weight * row.moved for row in draws) / total if draws else 0.0,
        history=history.after(test, taken, keys) if looked else history,
        rests_on=rests_on,
    )


def _bounds(rows: Sequence[HeldOutGain], alpha: float) -> "Bounds":
    """Return the bounds of the mean gain, in which a template counts once."""
    draws = by_template(rows)
    return guarded_bounds([d.gain for d in draws], [d.weight for d in draws], alpha)


def _rests_on(rows: Sequence[HeldOutGain], alpha: float, delta: float) -> Reliance | None:
    """Return the first client without which the rows are not better. A client that cannot be left
    out comes last, since a person may overrule that."""
    total = sum(row.weight for row in rows)
    clients = to_leave_out((row.asked_by for row in rows), total)
    for each in sorted(clients, key=lambda client: client.dominant):
        kept = [row for row in (row.without(each) for row in rows) if row is not None]
        bounds = _bounds(kept, alpha)
        if _verdict(bounds, delta) != "better":
            return Reliance(each.client, each.dominant, len(kept), bounds.mean, bounds.low)
    return None


def digest_of_test(
    candidate: str,
    incumbent: str,
    rows: Sequence[HeldOutGain],
    max_quality_loss: float | None = None,
    no_worse_margin: float = 0.0,
) -> str:
    """Return a digest of everything that the verdict depends on: the two prompts (their content
    digests), each row's gain, which models, prices and λ determine, and its clients; with a
    promise, its limit and the margin."""
    lines = sorted(
        f"{row.key} {row.gain:.9f} {row.weight:.9f} {row.labeled_by} {sorted(row.asked_by.items())}"
        for row in rows
    )
    limit = () if max_quality_loss is None else (f"{max_quality_loss!r} {no_worse_margin!r}",)
    text = "\n".join((candidate, incumbent, *limit, *lines))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
