"""Which tier is best for a training query, and how sure that is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEIGHBORS = (5, 10, 20, 40, 80)


def best_tiers(
    rewards: Floats, vectors: Floats, neighbors: Sequence[int] = NEIGHBORS
) -> tuple[NDArray[np.intp], Floats]:
    """The column of the best tier of each row, and the margin to the second best.

    `rewards` is rows × tiers, `vectors` rows × dimensions of length 1. One row's own results are
    mostly luck (a model guesses a letter, or fails by chance), so a row takes the mean rewards of
    the rows nearest to it, itself left out. Of the numbers of neighbors, the one that would have
    chosen best for the left-out rows counts.
    """
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    nearest = np.argsort(-likeness, axis=1, kind="stable")
    usable = [k for k in neighbors if k < len(rewards)] or [max(len(rewards) - 1, 1)]
    smoothed = [rewards[nearest[:, :k]].mean(axis=1) for k in usable]
    best = max(smoothed, key=lambda means: _chosen(rewards, means))
    ordered = np.sort(best, axis=1)
    return best.argmax(axis=1), ordered[:, -1] - ordered[:, -2]


def _chosen(rewards: Floats, estimates: Floats) -> float:
    rows = np.arange(len(rewards))
    return float(rewards[rows, estimates.argmax(axis=1)].mean())
