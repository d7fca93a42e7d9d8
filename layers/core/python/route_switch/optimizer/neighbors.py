"""The vectors of queries, and the learner `knn`: nearest neighbors."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.text_policy import MIN_ALONE_TOKENS
from route_switch.domain.router_view import read_view
from route_switch.domain.tokens import estimate_tokens
from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.query_features import Learner, QueryFeatures

Vectors = NDArray[np.float32]
EmbedTexts = Callable[[Sequence[str]], Vectors]
"""Maps n texts to [n, d] vectors of length 1."""

_ROWS_AT_ONCE = 256


def neighbors(train: QueryFeatures, rows: QueryFeatures) -> Learner:
    """Return the learner that predicts the mean train rewards of each row's nearest train rows.

    It looks at √m of m train rows, a common rule, fixed before any measurement.
    """
    nearest = _search(train.vectors, rows.vectors)

    def predict(train_rewards: Floats) -> Floats:
        means: Floats = train_rewards[nearest].mean(axis=1)
        return means

    return predict


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


def _search(train: Floats, rows: Floats) -> Ints:
    """Return [n, √m]: the most similar train rows by cosine, searched in blocks of rows."""
    count = max(round(len(train) ** 0.5), 1)
    nearest = np.empty((len(rows), count), dtype=np.int64)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        cosines = rows[block] @ train.T
        nearest[block] = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    return nearest
