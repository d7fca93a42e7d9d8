"""Linear functions of a query's features, fitted with scikit-learn.

scikit-learn is imported when the first one is fitted: that takes 1.7 s of processor time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from route_switch.domain.local_features import (
    BUCKETS,
    DENSE,
    Excerpts,
    dense_features,
    excerpts_of,
    hashed_features,
)
from route_switch.domain.query import Query
from route_switch.optimizer.arrays import Floats

CONSTANT = 0.0
"""A strength at which no feature counts."""
WIDTH = BUCKETS + len(DENSE)
MOST_LOG_ODDS = 20.0
LEAST_COST = 1e-6
"""Costs are predicted by their logarithm, and a free answer has none."""
_TOLERANCE = 1e-5
_MOST_STEPS = 500


@dataclass(frozen=True, slots=True)
class Features:
    """A sparse matrix, [n, WIDTH]."""

    matrix: Any

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def take(self, rows: NDArray[np.bool_]) -> "Features":
        return Features(self.matrix[rows])


@dataclass(frozen=True, slots=True)
class Linear:
    """`weights` is [WIDTH]: the buckets, then the plain numbers."""

    bias: float
    weights: Floats

    def __call__(self, features: Features) -> Floats:
        values: Floats = features.matrix @ self.weights + self.bias
        return values


def features_of(
    queries: Sequence[Query], longest: int, excerpts: Sequence[Excerpts] | None = None
) -> Features:
    """Return the features of queries, read from `excerpts` in place of their own. A query of more
    than `longest` tokens counts as one of `longest`."""
    from scipy.sparse import csr_matrix

    read = excerpts if excerpts is not None else [excerpts_of(query) for query in queries]
    rows = [_row(query, longest, excerpt) for query, excerpt in zip(queries, read, strict=True)]
    ends = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.fromiter(chain.from_iterable(rows), dtype=np.int32)
    values = np.fromiter(chain.from_iterable(row.values() for row in rows), dtype=np.float64)
    return Features(csr_matrix((values, columns, ends), shape=(len(rows), WIDTH)))


def _row(query: Query, longest: int, excerpts: Excerpts) -> dict[int, float]:
    dense = dense_features(query, longest, excerpts)
    return hashed_features(query, excerpts) | {
        BUCKETS + place: value for place, value in enumerate(dense)
    }


def fit_log_odds(features: Features, labels: Floats, weights: Floats, strength: float) -> Linear:
    """Fit the log-odds that a label is 1. The greater `strength`, the more features count."""
    if strength == CONSTANT or labels.min() == labels.max():
        return constant(log_odds_of(labels, weights))
    from sklearn.linear_model import LogisticRegression

    # newton-cg works on the sparse matrix; lbfgs's dense steps take five times as long.
    model = LogisticRegression(C=strength, solver="newton-cg", tol=_TOLERANCE, max_iter=_MOST_STEPS)
    model.fit(features.matrix, labels, sample_weight=weights / weights.mean())
    return Linear(float(model.intercept_[0]), np.asarray(model.coef_[0], dtype=np.float64))


def fit_log_cost(features: Features, costs: Floats, weights: Floats, strength: float) -> Linear:
    """Fit the logarithm of a cost, shifted so that the predicted costs have the right sum."""
    mean = max(float(np.average(costs, weights=weights)), LEAST_COST)
    if strength == CONSTANT:
        return constant(math.log(mean))
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=1 / strength, solver="lsqr", tol=1e-8)
    model.fit(features.matrix, np.log(np.maximum(costs, LEAST_COST)), sample_weight=weights)
    fitted = Linear(float(model.intercept_), np.asarray(model.coef_, dtype=np.float64))
    predicted = float(np.average(np.exp(fitted(features)), weights=weights))
    return Linear(fitted.bias + math.log(mean / predicted), fitted.weights)


def log_odds_of(labels: Floats, weights: Floats) -> float:
    """Return the log-odds of the weighted share of 1, drawn a little towards one half."""
    relative = weights / weights.mean()
    share = (float(relative @ labels) + 0.5) / (len(labels) + 1)
    return math.log(share / (1 - share))


def constant(value: float) -> Linear:
    return Linear(value, np.zeros(WIDTH))


def probability(log_odds: Floats) -> Floats:
    clipped = np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)
    values: Floats = 1 / (1 + np.exp(-clipped))
    return values
