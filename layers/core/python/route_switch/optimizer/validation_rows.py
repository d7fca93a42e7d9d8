"""The validation rows as the choice of a strategy sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.optimizer.arrays import Floats, Ints, OutcomeArrays, arrays_of
from route_switch.optimizer.local_rows import FOLDS, Mask, folds_of
from route_switch.optimizer.policies import Policy
from route_switch.optimizer.statistics import MeanAndError, mean_and_error
from route_switch.services.learning.route_examples import RoutedExample


@dataclass(frozen=True, slots=True)
class Decisions:
    """A policy's decisions on the validation rows: `rewards` are net of the router's cost, `asked`
    says where the router LLM was asked, and `tiers` has the column of each tier. All are [n]."""

    rewards: Floats
    asked: Mask
    tiers: Ints

    @classmethod
    def of(
        cls, policy: Policy, routed: Sequence[RoutedExample], rows: "ValidationRows"
    ) -> "Decisions":
        asked = np.array([each.asked for each in routed])
        return cls(policy.rewards(rows.arrays, rows.lambda_), asked, policy.choice.argmax(axis=1))

    @property
    def are_constant(self) -> bool:
        """Whether every row gets the same tier, which takes no router."""
        return len(np.unique(self.tiers)) == 1

    def where(self, rows: Mask, other: "Decisions") -> "Decisions":
        """Return the other's decisions on `rows`, and these on all others."""
        return Decisions(
            np.where(rows, other.rewards, self.rewards),
            np.where(rows, other.asked, self.asked),
            np.where(rows, other.tiers, self.tiers),
        )


@dataclass(frozen=True, slots=True)
class ValidationRows:
    table: OutcomeTable
    arrays: OutcomeArrays
    lambda_: float
    folds: Ints

    @classmethod
    def of(cls, table: OutcomeTable, lambda_: float) -> "ValidationRows":
        folds = folds_of([example.template_key for example in table.examples])
        return cls(table, arrays_of(table, lambda_), lambda_, folds)

    def __len__(self) -> int:
        return len(self.arrays)

    def mean(self, values: Floats, of: Mask | None = None) -> float:
        """Return the weighted mean of [n] values, over the rows in `of`."""
        rows = np.ones(len(self), dtype=np.bool_) if of is None else of
        return float(np.average(values[rows], weights=self.arrays.weights[rows]))

    def mean_and_error(self, values: Floats) -> MeanAndError:
        return mean_and_error(values, self.arrays.weights, self.arrays.templates)

    def shorter_than(self, tokens: int) -> Mask:
        queries = (example.as_query for example in self.table.examples)
        return np.array([query.is_shorter_than(tokens) for query in queries])

    def to_tier_1(self) -> Decisions:
        """Return the decisions of the bypass: Tier 1 without a router call."""
        nobody = np.zeros(len(self), dtype=np.bool_)
        tier_1 = np.zeros(len(self), dtype=np.int64)
        return Decisions(self.arrays.rewards(self.lambda_)[:, 0], nobody, tier_1)

    def honest(self, of_choices: Sequence[Decisions]) -> Decisions:
        """Return what choosing one of several gives on rows that the choice did not see: for each
        fold, the decisions of the one that is best on the other folds, the first on a tie."""
        taken = of_choices[0]
        for fold in range(FOLDS):
            here = self.folds == fold
            if here.any() and not here.all():
                taken = taken.where(here, of_choices[self.best(of_choices, ~here)])
        return taken

    def best(self, of_choices: Sequence[Decisions], rows: Mask | None = None) -> int:
        """Return the index of the decisions with the highest mean reward, the first on a tie."""
        means = [round(self.mean(each.rewards, rows), 12) for each in of_choices]
        return int(np.argmax(means))
