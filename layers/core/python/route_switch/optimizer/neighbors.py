"""Nearest neighbors: the plain learner that a learned prompt is compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from route_switch.domain.learning.example import Example
from route_switch.optimizer.arrays import Floats, Ints

Vectors = NDArray[np.float32]
EmbedTexts = Callable[[Sequence[str]], Vectors]
"""n texts to [n, d] vectors of length 1."""

FOLDS = 5
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Neighbors:
    """`nearest` is [n, c]: for each row, its nearest train rows; `known` marks those that exist,
    as a small fold may leave fewer than c.

    c is the square root of the number of train rows, the usual rule, fixed before any measurement.
    """

    nearest: Ints
    known: NDArray[np.bool_]

    def predict(self, train_rewards: Floats) -> Floats:
        """[n, k]: the mean of the neighbors' rewards; 0 for each tier where there is none."""
        found = train_rewards[self.nearest] * self.known[:, :, None]
        means: Floats = found.sum(axis=1) / np.maximum(self.known.sum(axis=1), 1)[:, None]
        return means


def embed_all(examples: Sequence[Example], embed: EmbedTexts, max_tokens: int) -> Vectors:
    """[n, d]: vectors of what the router sees of each query."""
    return embed([example.as_query.for_router(max_tokens) for example in examples])


def among_train(train: Vectors, rows: Vectors) -> Neighbors:
    """Neighbors of rows that are not in train."""
    return _search(train, rows, np.zeros(len(train)), np.ones(len(rows)))


def across_folds(vectors: Vectors, examples: Sequence[Example]) -> Neighbors:
    """Neighbors of each row among the rows of other folds; the key says which fold a row is in."""
    folds = np.array([int(example.key, 16) % FOLDS for example in examples])
    return _search(vectors, vectors, folds, folds)


def _search(
    train: Vectors, rows: Vectors, train_folds: NDArray[np.generic], folds: NDArray[np.generic]
) -> Neighbors:
    """By cosine, a block of rows at a time; train rows of the row's own fold do not count."""
    count = max(round(len(train) ** 0.5), 1)
    nearest = np.empty((len(rows), count), dtype=np.int64)
    known = np.empty((len(rows), count), dtype=np.bool_)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        cosines = rows[block] @ train.T
        cosines[folds[block, None] == train_folds[None, :]] = -np.inf
        nearest[block] = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        known[block] = np.isfinite(np.take_along_axis(cosines, nearest[block], axis=1))
    return Neighbors(nearest, known)
