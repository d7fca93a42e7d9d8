"""Which tier is best for a training query, and how sure that is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEIGHBORS = (5, 10, 20, 40, 80)
ROWS_AT_ONCE = 512


def best_tiers(
    rewards: Floats, vectors: Floats, neighbors: Sequence[int] = NEIGHBORS
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The column of the best tier of each row, and whether it is sure enough to teach from: its
    lead over the second best is not in the lower half of the rows with that tier.

    `rewards` is rows × tiers, `vectors` rows × dimensions of length 1. One row's own results are
    mostly luck (a model guesses a letter, or fails by chance), so a row takes the mean rewards of
    the rows nearest to it, itself left out. Of the numbers of neighbors, the one that would have
    chosen best for the left-out rows counts.
    """
    nearest = _nearest(vectors.astype(np.float32), max(min(max(neighbors), len(rewards) - 1), 1))
    usable = [k for k in neighbors if k < len(rewards)] or [max(len(rewards) - 1, 1)]
    smoothed = [rewards[nearest[:, :k]].mean(axis=1) for k in usable]
    best = max(smoothed, key=lambda means: _chosen(rewards, means))
    tiers = best.argmax(axis=1)
    ordered = np.sort(best, axis=1)
    return tiers, _surer_half(tiers, ordered[:, -1] - ordered[:, -2])


def _surer_half(tiers: NDArray[np.intp], margins: Floats) -> NDArray[np.bool_]:
    """Within each tier, so that a tier whose lead is small by nature is taught as well."""
    medians = {tier: np.median(margins[tiers == tier]) for tier in np.unique(tiers)}
    return margins >= np.array([medians[tier] for tier in tiers])


def _nearest(vectors: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """Rows × the `most` other rows that are most like it, the nearest first. A block at a time:
    all likenesses of 10,000 rows would take 400 MB."""
    blocks = []
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        likeness = vectors[start : start + ROWS_AT_ONCE] @ vectors.T
        rows = np.arange(len(likeness))
        likeness[rows, start + rows] = -np.inf
        blocks.append(np.argsort(-likeness, axis=1, kind="stable")[:, :most])
    return np.concatenate(blocks)


def _chosen(rewards: Floats, estimates: Floats) -> float:
    rows = np.arange(len(rewards))
    return float(rewards[rows, estimates.argmax(axis=1)].mean())
