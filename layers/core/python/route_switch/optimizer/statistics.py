"""Bootstrap intervals of weighted means, ratios and paired differences.

Rows are drawn, not figures: one resample gives every figure of every policy, so that numerators
stay with their denominators and differences between policies stay paired.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from route_switch.optimizer.arrays import Floats

RESAMPLES = 2000
LEVEL = 0.95
_CELLS_AT_ONCE = 2_000_000
"""Row counts that are in memory at once: 16 MB of each kind."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`mean` from the rows themselves, `low` and `high` the 95% percentile interval."""

    mean: float
    low: float
    high: float


def bootstrap(
    numerators: Floats, denominators: Floats, seed: int, resamples: int = RESAMPLES
) -> tuple[Estimate, ...]:
    """Estimates Σ numerators / Σ denominators over the rows, a column each; both are [n, m].

    A row's weight belongs in both. A ratio whose denominator is 0 in a resample leaves that
    resample out; one that is 0 over all rows is 0.
    """
    columns = np.hstack([numerators, denominators])
    sums = np.vstack([counts @ columns for counts in _draws(len(columns), resamples, seed)])
    width = numerators.shape[1]
    means = _ratios(numerators.sum(axis=0), denominators.sum(axis=0))
    ratios = _ratios(sums[:, :width], sums[:, width:])
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nan_to_num(np.nanpercentile(ratios, [tail, 100 - tail], axis=0))
    return tuple(
        Estimate(float(m), float(a), float(b))
        for m, a, b in zip(np.nan_to_num(means), low, high, strict=True)
    )


def _draws(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each of n rows is drawn, [up to c, n] at a time, c so that memory stays small."""
    generator = np.random.default_rng(seed)
    at_once = max(_CELLS_AT_ONCE // n, 1)
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn = generator.integers(0, n, size=(size, n))
        drawn += np.arange(size)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _ratios(numerators: Floats, denominators: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios: Floats = np.where(denominators > 0, numerators / denominators, np.nan)
    return ratios
