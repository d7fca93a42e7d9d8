"""What a local model expects of rows, and what it chooses by that."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from route_switch.optimizer.arrays import Floats, Ints
from route_switch.optimizer.policies import one_hot


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a model expects of rows: `quality` is a probability, `cost` relative. Both [n, k]."""

    quality: Floats
    cost: Floats

    def objective(self, lambda_: float) -> Floats:
        values: Floats = self.quality - lambda_ * self.cost
        return values

    def choice(self, lambda_: float) -> Floats:
        """Return [n, k] with a 1 at the best tier, the lower tier on a tie."""
        objective = self.objective(lambda_)
        return one_hot(objective.argmax(axis=1), objective.shape[1])

    def leads(self, lambda_: float) -> Floats:
        """Return [n]: the best objective minus the second best."""
        ordered = np.sort(self.objective(lambda_), axis=1)
        leads: Floats = ordered[:, -1] - ordered[:, -2]
        return leads

    def take(self, rows: NDArray[np.bool_]) -> "Expectations":
        return Expectations(self.quality[rows], self.cost[rows])

    def decisive(self, row_of: Ints, lambda_: float) -> "Expectations":
        """Return what is expected of each row by its decisive reading, as serving chooses it
        (`domain.local_model.decisive`). These are expectations of readings, [m, k], of which
        `row_of`, [m], ascending, names the row."""
        best = self.objective(lambda_).argmax(axis=1)
        order = np.lexsort((np.arange(len(row_of)), -self.leads(lambda_), best, row_of))
        first = order[np.unique(row_of[order], return_index=True)[1]]
        return Expectations(self.quality[first], self.cost[first])
