"""The learner `clusters`: a table with the mean reward of each tier in each cluster of queries."""

import numpy as np

from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.query_features import Learner, QueryFeatures

ROUNDS = 25
SEED = 0


def cluster_table(train: QueryFeatures, rows: QueryFeatures) -> Learner:
    """Return the learner that predicts the mean train rewards of each row's cluster.

    The clusters are those of k-means on the embeddings. There are √m / 2 of them for m train rows,
    so that one has about 2√m rows. This rule was chosen among four by the validation rows of four
    sets, before any held-out row was looked at.
    """
    centers = k_means(train.vectors, max(round(len(train) ** 0.5 / 2), 1), SEED)
    members = np.eye(len(centers))[nearest(train.vectors, centers)] * train.weights[:, None]
    sizes = members.sum(axis=0)[:, None]
    clusters = nearest(rows.vectors, centers)

    def predict(train_rewards: Floats) -> Floats:
        overall = np.average(train_rewards, axis=0, weights=train.weights)
        means = np.where(sizes > 0, members.T @ train_rewards / np.maximum(sizes, 1e-12), overall)
        predicted: Floats = means[clusters]
        return predicted

    return predict


def k_means(vectors: Floats, k: int, seed: int) -> Floats:
    """Return k centers, [k, d], by Lloyd's algorithm. A center without rows stays where it is."""
    centers = _far_apart(vectors, k, np.random.default_rng(seed))
    labels = nearest(vectors, centers)
    for _ in range(ROUNDS):
        members = np.eye(k)[labels]
        sizes = members.sum(axis=0)[:, None]
        centers = np.where(sizes > 0, members.T @ vectors / np.maximum(sizes, 1), centers)
        previous, labels = labels, nearest(vectors, centers)
        if np.array_equal(previous, labels):
            break
    return centers


def nearest(vectors: Floats, centers: Floats) -> Ints:
    """Return [n]: the number of each row's nearest center."""
    squares = (centers**2).sum(axis=1) - 2 * (vectors @ centers.T)
    numbers: Ints = squares.argmin(axis=1)
    return numbers


def _far_apart(vectors: Floats, k: int, generator: np.random.Generator) -> Floats:
    """Draw k rows to start from: each with a chance that grows with the square of its distance from
    those already drawn (k-means++, Arthur and Vassilvitskii 2007)."""
    centers = [vectors[generator.integers(len(vectors))]]
    distances = ((vectors - centers[0]) ** 2).sum(axis=1)
    while len(centers) < k:
        total = distances.sum()
        chances = distances / total if total > 0 else None
        centers.append(vectors[generator.choice(len(vectors), p=chances)])
        distances = np.minimum(distances, ((vectors - centers[-1]) ** 2).sum(axis=1))
    return np.array(centers)
