"""RouteLLM's measures of a router between a weak and a strong model.

Ong et al., "RouteLLM: Learning to Route LLMs with Preference Data", arXiv 2406.18665, and
`routellm/evals/evaluate.py` in github.com/lm-sys/RouteLLM. A router gives each query a score: how
much it wants the strong model. For each share c of calls to the strong model, the queries with the
highest scores get it. With the mean score q(c), and w and s those of the weak and the strong model
alone:

- PGR(c) = (q(c) − w) / (s − w): the share of the quality gap that is recovered.
- APGR = the area under PGR over c from 0 to 1, by trapezoids over c = 0, 0.1, …, 1.
- CPT(x) = the lowest c with PGR(c) = x, on straight lines between the same points.

Random routing has an APGR of 0.5 and a CPT(x) of x. RouteLLM counts calls. Here, the same measures
are also taken over dollars: the cost of all answers relative to the strong model's alone, from that
of the weak model alone to 1. There, random routing has an APGR of 0.5 as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from route_switch.domain.errors import ConfigurationError
from route_switch.optimizer.arrays import Floats, Ints, OutcomeArrays
from route_switch.optimizer.report.figures import Interval
from route_switch.optimizer.statistics import LEVEL, RESAMPLES, draws

SHARES: Floats = np.linspace(0, 1, 11)
"""The shares of strong calls at which PGR is measured."""
TARGETS = (0.5, 0.8)


@dataclass(frozen=True, slots=True)
class GapMeasures:
    """`cpt50` and `cpt80` are shares: of calls, or of the strong model's dollars."""

    apgr: Interval
    cpt50: Interval
    cpt80: Interval


@dataclass(frozen=True, slots=True)
class RouteLlmMeasures:
    calls: GapMeasures
    dollars: GapMeasures


def wish(predicted: Floats) -> Floats:
    """Return [n]: by how much the strong model's predicted score is above the weak model's."""
    difference: Floats = predicted[:, -1] - predicted[:, 0]
    return difference


def measure(arrays: OutcomeArrays, wants_strong: Floats, seed: int) -> RouteLlmMeasures:
    """Measure the scores `wants_strong`, [n], between the first tier and the last one.

    Rows with equal scores get the strong model in random order: what is measured is the mean over
    all orders. Intervals are from a bootstrap of rows, with rows of one template drawn together. A
    resample in which the strong model is not better has no gap to recover, and is left out.

    Raise `ConfigurationError` if that is so for the rows themselves.
    """
    weights, score = arrays.weights, arrays.score
    if not float(np.average(score[:, -1] - score[:, 0], weights=weights)) > 0:
        raise ConfigurationError(
            "The strong model's mean score is not above the weak model's, so there is no gap that "
            "a router could recover. Check the order of the tiers."
        )
    order = _Order.of(wants_strong)
    found = _measures(*_curves(arrays, order, np.ones((1, len(arrays)))))[0]
    resampled = np.vstack(
        [_measures(*_curves(arrays, order, counts)) for counts in _resamples(arrays, seed)]
    )
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(resampled, [tail, 100 - tail], axis=0)
    intervals = [
        Interval(mean=float(m), low=float(a), high=float(b), n=len(arrays))
        for m, a, b in zip(found, low, high, strict=True)
    ]
    return RouteLlmMeasures(GapMeasures(*intervals[:3]), GapMeasures(*intervals[3:]))


@dataclass(frozen=True, slots=True)
class _Order:
    """`rows` is [n], the highest score first; `steps` is where a new score begins."""

    rows: Ints
    steps: Ints

    @classmethod
    def of(cls, scores: Floats) -> "_Order":
        rows = np.argsort(-scores, kind="stable")
        return cls(rows, np.flatnonzero(np.diff(scores[rows], prepend=np.inf)))

    def running(self, values: Floats) -> Floats:
        """Return [c, g + 1]: the sums of [c, n] values over the first 0, 1, …, g scores."""
        sums = np.add.reduceat(values[:, self.rows], self.steps, axis=1).cumsum(axis=1)
        return np.hstack([np.zeros((len(sums), 1)), sums])


def _resamples(arrays: OutcomeArrays, seed: int) -> Iterator[Floats]:
    """Yield how often each row is drawn, as [c, n] blocks."""
    if arrays.templates is None:
        yield from draws(len(arrays), RESAMPLES, seed)
        return
    _, numbers = np.unique(arrays.templates, return_inverse=True)
    for counts in draws(int(numbers.max()) + 1, RESAMPLES, seed):
        yield counts[:, numbers]


def _curves(arrays: OutcomeArrays, order: _Order, counts: Floats) -> tuple[Floats, Floats]:
    """Return PGR and the dollars at each of `SHARES`, both [c, 11], where the rows count `counts`
    times, [c, n]."""
    weighted = counts * arrays.weights
    weak, strong = arrays.cost_usd[:, 0], arrays.cost_usd[:, -1]
    calls = order.running(weighted)
    gains = order.running(weighted * (arrays.score[:, -1] - arrays.score[:, 0]))
    gap = np.where(gains[:, -1:] > 0, gains[:, -1:], np.nan)
    more_usd = order.running(weighted * (strong - weak))
    pgr = _at_shares(calls, gains) / gap
    usd = (weighted @ weak)[:, None] + _at_shares(calls, more_usd)
    return pgr, usd / (weighted @ strong)[:, None]


def _at_shares(calls: Floats, values: Floats) -> Floats:
    """Return [c, 11]: the values at each of `SHARES` of the calls, on lines between the scores."""
    return np.vstack([np.interp(SHARES * x[-1], x, y) for x, y in zip(calls, values, strict=True)])


def _measures(pgr: Floats, dollars: Floats) -> Floats:
    """Return [c, 6]: APGR, CPT(0.5) and CPT(0.8) over calls, then over dollars."""
    calls = np.broadcast_to(SHARES, pgr.shape)
    return np.column_stack(
        [
            column
            for x in (calls, dollars)
            for column in (_area(x, pgr), *(_reached(x, pgr, target) for target in TARGETS))
        ]
    )


def _area(x: Floats, pgr: Floats) -> Floats:
    """Return [c]: the mean of PGR over x, by trapezoids."""
    areas = (np.diff(x, axis=1) * (pgr[:, 1:] + pgr[:, :-1]) / 2).sum(axis=1)
    means: Floats = areas / (x[:, -1] - x[:, 0])
    return means


def _reached(x: Floats, pgr: Floats, target: float) -> Floats:
    """Return [c]: the first x at which PGR is `target`."""
    rows = np.arange(len(pgr))
    after = (pgr >= target).argmax(axis=1)
    before = after - 1
    low, high = pgr[rows, before], pgr[rows, after]
    start, end = x[rows, before], x[rows, after]
    places: Floats = start + (target - low) / (high - low) * (end - start)
    return places
