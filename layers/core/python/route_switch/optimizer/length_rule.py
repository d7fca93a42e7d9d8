"""The learner `length`: it knows how long a query is, and nothing else."""

import numpy as np

from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.query_features import Learner, QueryFeatures

STEPS = 20
"""Cuts are tried at the 5%, 10%, … quantiles of the train rows' lengths."""


def length_rule(train: QueryFeatures, rows: QueryFeatures) -> Learner:
    """Return the learner that cuts the lengths into as many ranges as there are tiers.

    It takes the cuts with the highest train reward if each range goes to its best tier. That may be
    any tier: short queries may go to Tier 3, and two ranges to the same tier.
    """
    cuts = np.unique(np.quantile(train.tokens, np.arange(1, STEPS) / STEPS))
    bins, bins_of_rows = (np.searchsorted(cuts, side.tokens) for side in (train, rows))
    members = np.eye(len(cuts) + 1)[bins] * train.weights[:, None]
    sizes = _from_start(members.sum(axis=0)[:, None])

    def predict(train_rewards: Floats) -> Floats:
        sums = _from_start(members.T @ train_rewards)
        edges = _best_edges(sums, train_rewards.shape[1])
        means = np.diff(sums[edges], axis=0) / np.maximum(np.diff(sizes[edges], axis=0), 1e-12)
        predicted: Floats = means[np.searchsorted(edges[1:-1], bins_of_rows, side="right")]
        return predicted

    return predict


def _from_start(bins: Floats) -> Floats:
    """Return [b + 1, k]: the sums over the first 0, 1, …, b bins."""
    return np.vstack([np.zeros(bins.shape[1]), bins.cumsum(axis=0)])


def _best_edges(sums: Floats, ranges: int) -> Ints:
    """Return the edges, [ranges + 1], from 0 to the number of bins, that give the highest total of
    the ranges' best sums. Equal edges enclose an empty range."""
    gains = (sums[None, :, :] - sums[:, None, :]).max(axis=2)  # from an edge (row) to another one
    gains[np.tril_indices(len(sums), -1)] = -np.inf
    best, origins = gains[0], []
    for _ in range(ranges - 1):
        totals = best[:, None] + gains
        origins.append(totals.argmax(axis=0))
        best = totals.max(axis=0)
    edges = [len(sums) - 1]
    for origin in reversed(origins):
        edges.append(int(origin[edges[-1]]))
    return np.array([0, *reversed(edges)], dtype=np.int64)
