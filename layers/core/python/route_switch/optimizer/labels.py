"""The best tier for each training query, and how certain it is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from route_switch.optimizer.arrays import Floats

NEIGHBORS = (5, 10, 20, 40, 80)
ROWS_AT_ONCE = 512


def best_tiers(
    rewards: Floats, vectors: Floats, neighbors: Sequence[int] = NEIGHBORS
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return each row's best tier (a column) and whether it is certain enough to teach from.

    A tier is certain enough if its lead over the second best is not in the lower half of the rows
    with that tier. `rewards` is rows × tiers; `vectors` is rows × dimensions, of length 1.

    A single row's results are mostly luck (a model guesses a letter, or fails by chance), so each
    row takes the mean rewards of its nearest rows, without itself. `neighbors` lists the numbers of
    neighbors to try; the one that chooses best for the left-out rows is used.
    """
    nearest = _nearest(vectors.astype(np.float32), max(min(max(neighbors), len(rewards) - 1), 1))
    usable = [k for k in neighbors if k < len(rewards)] or [max(len(rewards) - 1, 1)]
    smoothed = [rewards[nearest[:, :k]].mean(axis=1) for k in usable]
    best = max(smoothed, key=lambda means: _mean_reward(rewards, means))
    tiers = best.argmax(axis=1)
    ordered = np.sort(best, axis=1)
    return tiers, _upper_half(tiers, ordered[:, -1] - ordered[:, -2])


def _upper_half(tiers: NDArray[np.intp], margins: Floats) -> NDArray[np.bool_]:
    """Select the rows with a margin at or above their tier's median.

    A median per tier keeps tiers whose leads are small by nature.
    """
    medians = {tier: np.median(margins[tiers == tier]) for tier in np.unique(tiers)}
    return margins >= np.array([medians[tier] for tier in tiers])


def _nearest(vectors: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """Return, for each row, the `most` most similar other rows, nearest first.

    Compare in blocks: all similarities of 10,000 rows would take 400 MB.
    """
    blocks = []
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        similarity = vectors[start : start + ROWS_AT_ONCE] @ vectors.T
        rows = np.arange(len(similarity))
        similarity[rows, start + rows] = -np.inf
        blocks.append(np.argsort(-similarity, axis=1, kind="stable")[:, :most])
    return np.concatenate(blocks)


def _mean_reward(rewards: Floats, estimates: Floats) -> float:
    """Return the mean reward of choosing by the estimates."""
    rows = np.arange(len(rewards))
    return float(rewards[rows, estimates.argmax(axis=1)].mean())
