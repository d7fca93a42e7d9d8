"""What a local model expects of rows, and what it chooses by that."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.policies import one_hot


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a model expects of rows: `quality` is a probability, `cost` relative. Both [n, k].
    `agreed` is [n]: whether all readings of a row's text choose one tier."""

    quality: Floats
    cost: Floats
    agreed: NDArray[np.bool_]

    def objective(self, lambda_: float) -> Floats:
        values: Floats = self.quality - lambda_ * self.cost
        return values

    def choice(self, lambda_: float) -> Floats:
        """Return [n, k] with a 1 at the best tier, the lower tier on a tie."""
        objective = self.objective(lambda_)
        return one_hot(objective.argmax(axis=1), objective.shape[1])

    def leads(self, lambda_: float) -> Floats:
        """Return [n]: the best objective minus the second best; 0 where readings differ."""
        ordered = np.sort(self.objective(lambda_), axis=1)
        leads: Floats = np.where(self.agreed, ordered[:, -1] - ordered[:, -2], 0.0)
        return leads

    def take(self, rows: NDArray[np.bool_]) -> "Expectations":
        return Expectations(self.quality[rows], self.cost[rows], self.agreed[rows])


def decisive(quality: Floats, cost: Floats, row_of: Ints, lambda_: float) -> Expectations:
    """Return what is expected of each row by its decisive reading, as serving chooses it
    (`domain.local_model.decisive`). `quality` and `cost` are [m, k] for readings, of which
    `row_of`, [m], ascending, names the row."""
    best = (quality - lambda_ * cost).argmax(axis=1)
    order = np.lexsort((np.arange(len(row_of)), best, row_of))
    first = order[np.unique(row_of[order], return_index=True)[1]]
    highest = np.zeros(len(first), dtype=np.int64)
    np.maximum.at(highest, row_of, best)
    return Expectations(quality[first], cost[first], highest == best[first])
