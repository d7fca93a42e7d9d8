"""Choose the queries that may become demos: short, whole, and typical of their tier.

A reader of the prompt should see at once what a demo stands for, so a demo is like many queries of
its tier, and unlike the other demos. Which of them the prompt shows, if any, is MIPROv2's choice.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

PER_TIER = 8
"""How many queries of each tier MIPROv2 draws demos from."""
NEIGHBORS = 10
"""A query is typical if it is close to this many others of its tier."""
_ROWS_AT_ONCE = 512


def choose_demos(
    vectors: Vectors, tiers: Sequence[int], fits: Sequence[bool], per_tier: int = PER_TIER
) -> list[int]:
    """Return the rows that may become demos: the most typical of each tier in turn.

    `vectors` is rows × dimensions, of length 1. `tiers` is each row's best tier, and `fits` says
    whether its text is short and whole. Rows that do not fit still say what is typical.
    """
    columns = np.asarray(tiers)
    chosen = [
        list(_chosen(vectors, np.flatnonzero(columns == tier), np.asarray(fits), per_tier))
        for tier in np.unique(columns)
    ]
    return [row for turn in zip_longest(*chosen) for row in turn if row is not None]


def _chosen(
    vectors: Vectors, own: NDArray[np.intp], fits: NDArray[np.bool_], count: int
) -> Iterator[int]:
    """Yield rows of one tier, each the most typical one that is least like those before it."""
    rows = own[fits[own]]
    if not len(rows):
        return
    typical = _closeness(vectors[rows], vectors[own])
    alike = np.zeros(len(rows), dtype=np.float32)
    left = np.ones(len(rows), dtype=np.bool_)
    for _ in range(min(count, len(rows))):
        best = int(np.where(left, typical - alike, -np.inf).argmax())
        left[best] = False
        alike = np.maximum(alike, vectors[rows] @ vectors[rows[best]])
        yield int(rows[best])


def _closeness(some: Vectors, all_: Vectors) -> Vectors:
    """Return each row's mean cosine with its nearest rows, itself included."""
    means = []
    for start in range(0, len(some), _ROWS_AT_ONCE):
        cosines = some[start : start + _ROWS_AT_ONCE] @ all_.T
        nearest = np.sort(cosines, axis=1)[:, -NEIGHBORS - 1 :]
        means.append(nearest.mean(axis=1))
    return np.concatenate(means)
