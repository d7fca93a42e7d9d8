"""What the simple learners know of queries, and the learners' form."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from route_switch.domain.learning.example import Example
from route_switch.optimizer.arrays import Floats, Ints

Learner = Callable[[Floats], Floats]
"""Maps rewards of train rows, [m, k], to predicted rewards of the measured rows, [n, k].

A learner sees the queries when it is made, and rewards only when it is called. So shuffled rewards
teach it a hundred times at the price of a table or of a matrix product.
"""


@dataclass(frozen=True, slots=True)
class QueryFeatures:
    """`vectors` is [n, d], of length 1; `tokens` and `weights` are [n]."""

    vectors: Floats
    tokens: Floats
    weights: Floats

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, rows: Ints) -> Self:
        return type(self)(self.vectors[rows], self.tokens[rows], self.weights[rows])


def query_features(examples: Sequence[Example], vectors: NDArray[np.float32]) -> QueryFeatures:
    return QueryFeatures(
        vectors.astype(np.float64),
        np.array([example.as_query.tokens for example in examples], dtype=np.float64),
        np.array([example.weight for example in examples], dtype=np.float64),
    )
