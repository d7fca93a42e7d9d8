"""Nearest neighbors: the simple learner that a learned prompt is compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.text_policy import MIN_ALONE_TOKENS
from route_switch.domain.router_view import read_view
from route_switch.domain.tokens import estimate_tokens
from route_switch.optimizer.arrays import Floats, Ints

Vectors = NDArray[np.float32]
EmbedTexts = Callable[[Sequence[str]], Vectors]
"""Maps n texts to [n, d] vectors of length 1."""

FOLDS = 5
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Neighbors:
    """The nearest train rows of each row.

    `nearest` is [n, c]. `known` marks the neighbors that exist: a small fold may leave fewer than
    c. c is the square root of the number of train rows, a common rule, fixed before any
    measurement.
    """

    nearest: Ints
    known: NDArray[np.bool_]

    def predict(self, train_rewards: Floats) -> Floats:
        """Return [n, k]: the mean reward of the neighbors, or 0 for a row without neighbors."""
        found = train_rewards[self.nearest] * self.known[:, :, None]
        means: Floats = found.sum(axis=1) / np.maximum(self.known.sum(axis=1), 1)[:, None]
        return means


def embed_all(examples: Sequence[Example], embed: EmbedTexts, max_tokens: int) -> Vectors:
    """Return [n, d]: the vectors of what the router sees of each query."""
    return embed([to_embed(e.as_query.for_router(max_tokens)) for e in examples])


def to_embed(shown: str) -> str:
    """Return what to embed of what the router sees: of a message that says too little by itself,
    the message with the newest turns, since an encoder reads the beginning of a text."""
    view = read_view(shown)
    if estimate_tokens(view.message) >= MIN_ALONE_TOKENS:
        return shown
    newest = (turn.text for turn in reversed(view.turns))
    return "\n".join(text for text in (view.message, *newest, view.system) if text)


def among_train(train: Vectors, rows: Vectors) -> Neighbors:
    """Find the neighbors of rows that are not in train."""
    return _search(train, rows, np.zeros(len(train)), np.ones(len(rows)))


def across_folds(vectors: Vectors, examples: Sequence[Example]) -> Neighbors:
    """Find the neighbors of each row in the other folds. A row's template determines its fold."""
    folds = np.array([int(example.template_key, 16) % FOLDS for example in examples])
    return _search(vectors, vectors, folds, folds)


def _search(
    train: Vectors, rows: Vectors, train_folds: NDArray[np.generic], folds: NDArray[np.generic]
) -> Neighbors:
    """Search by cosine similarity, in blocks of rows. Skip train rows of the row's own fold."""
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
