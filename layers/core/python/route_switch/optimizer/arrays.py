"""The outcome table as arrays of n rows and k tiers (ascending), and the objective on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.tiers import Tier

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OutcomeArrays:
    """`weights` and `templates` are [n], all else [n, k]. `latency_ms` is None if a cell lacks it.

    `templates` numbers the rows' templates; rows of one template are not independent. None means
    that each row has its own.
    """

    tiers: tuple[Tier, ...]
    weights: Floats
    equivalent: Floats
    score: Floats
    cost_usd: Floats
    latency_ms: Floats | None
    templates: Ints | None = None

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def tier_3_usd(self) -> float:
        """The weighted mean cost of a query on Tier 3, in USD: the unit of all costs."""
        return float(np.average(self.cost_usd[:, -1], weights=self.weights))

    @property
    def rows_of_templates(self) -> tuple[Ints, ...]:
        """Return the rows of each template, in the order of its first row."""
        if self.templates is None:
            return tuple(np.arange(len(self))[:, None])
        order = np.argsort(self.templates, kind="stable")
        starts = np.flatnonzero(np.diff(self.templates[order])) + 1
        return tuple(np.split(order, starts))

    @property
    def share_templates(self) -> bool:
        """Whether there are fewer templates than rows."""
        return self.templates is not None and len(np.unique(self.templates)) < len(self)

    @property
    def usd_per_unit(self) -> float:
        """`tier_3_usd`, or 1 if Tier 3 is free: then λ is 0 and no cost counts."""
        return self.tier_3_usd or 1.0

    def rewards(self, lambda_: float) -> Floats:
        """Return [n, k]: equivalent − λ · cost / `tier_3_usd`.

        All rows share one `tier_3_usd`, so the mean reward is quality − λ · cost. A mean of ratios
        per row would be another quantity.
        """
        return self.equivalent - lambda_ * self.cost_usd / self.usd_per_unit

    def take(self, rows: Ints | NDArray[np.bool_]) -> Self:
        """Return the rows as a separate table, with its own `tier_3_usd`."""
        return type(self)(
            self.tiers,
            self.weights[rows],
            self.equivalent[rows],
            self.score[rows],
            self.cost_usd[rows],
            None if self.latency_ms is None else self.latency_ms[rows],
            None if self.templates is None else self.templates[rows],
        )


def arrays_of(table: OutcomeTable, lambda_: float | None = None) -> OutcomeArrays:
    """Return the table as arrays. Raise `ConfigurationError` if it is empty or lacks a cost.

    Tier 3 may be free only if `lambda_` is 0: then no cost counts.
    """
    if not table.rows:
        raise ConfigurationError(
            "No example has a result for every tier. Add results for each model in --tiers, or "
            "name models that the examples have results for."
        )
    tiers, n = table.tiers, len(table.rows)
    cells = [[row[tier] for tier in tiers] for row in table.rows]
    latency = _floats([[_or_nan(cell.latency_ms) for cell in row] for row in cells])
    arrays = OutcomeArrays(
        tiers=tiers,
        weights=_floats([example.weight for example in table.examples]),
        equivalent=_floats([[cell.equivalent for cell in row] for row in cells]),
        score=_floats([[cell.score for cell in row] for row in cells]),
        cost_usd=_floats([[table.cost_usd(row, tier) for tier in tiers] for row in range(n)]),
        latency_ms=None if np.isnan(latency).any() else latency,
        templates=numbered([example.template_key for example in table.examples]),
    )
    if arrays.tier_3_usd <= 0 and lambda_ != 0:
        raise ConfigurationError(costs_nothing(table.models[tiers[-1]]))
    return arrays


def costs_nothing(model: str) -> str:
    """Explain why a free Tier 3 needs λ = 0."""
    return (
        f"All answers of {model} cost nothing, so costs cannot be expressed as a share of Tier "
        "3's. Give its cost_usd, or its tokens and a price; or compare quality alone with "
        "--lambda 0."
    )


def numbered(names: Sequence[str]) -> Ints:
    """Return [n]: 0, 1, 2, … for each different name in the order of its first use."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _floats(values: Sequence[object]) -> Floats:
    return np.array(values, dtype=np.float64)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
