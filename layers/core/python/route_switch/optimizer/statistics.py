"""Bootstrap intervals of weighted means, ratios and paired differences.

Rows are resampled, not figures: one resample gives every figure of every policy, so numerators stay
with their denominators and differences between policies stay paired.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from route_switch.optimizer.arrays import Floats

RESAMPLES = 2000
LEVEL = 0.95
_CELLS_AT_ONCE = 2_000_000
"""Counts held in memory at once: 16 MB per array."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`mean` is from the rows themselves; `low` and `high` are the 95% percentile interval."""

    mean: float
    low: float
    high: float


def bootstrap(
    numerators: Floats, denominators: Floats, seed: int, resamples: int = RESAMPLES
) -> tuple[Estimate, ...]:
    """Estimate Σ numerators / Σ denominators over the rows for each column; both are [n, m].

    Multiply both by the rows' weights. A resample with a denominator of 0 is left out of that
    ratio. A ratio whose denominator is 0 over all rows is 0.
    """
    columns = np.hstack([numerators, denominators])
    sums = np.vstack([counts @ columns for counts in _draws(len(columns), resamples, seed)])
    width = numerators.shape[1]
    defined = denominators.sum(axis=0) > 0
    means = np.where(defined, _ratios(numerators.sum(axis=0), denominators.sum(axis=0)), 0.0)
    ratios = np.where(defined, _ratios(sums[:, :width], sums[:, width:]), 0.0)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(ratios, [tail, 100 - tail], axis=0)
    return tuple(
        Estimate(float(m), float(a), float(b)) for m, a, b in zip(means, low, high, strict=True)
    )


def _draws(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each of n rows is drawn, as [c, n] blocks, with c limited by memory."""
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
