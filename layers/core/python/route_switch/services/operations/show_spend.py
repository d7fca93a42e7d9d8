"""Spending today and this month, from a single read of the month's counters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from route_switch.domain.decision import Reason
from route_switch.domain.operations.costs import (
    CostTotals,
    Counters,
    add_up,
    answers_by_reason,
    costs_of,
    costs_of_models,
    costs_of_tiers,
)
from route_switch.domain.operations.savings import ShadowSavings, shadow_savings
from route_switch.services.operations.sum_costs import CostsQuery, Totals


@dataclass(frozen=True, slots=True)
class Spend:
    """The keys of `tiers` are `1`, `2`, `3` and `router`. `reasons` counts answers. `shadow` is
    None without requests in shadow."""

    total: CostTotals
    tiers: Mapping[str, CostTotals]
    models: Mapping[str, CostTotals]
    reasons: Mapping[Reason, int]
    shadow: ShadowSavings | None

    @classmethod
    def from_counters(cls, counters: Counters, learning_usd: float) -> Self:
        return cls(
            costs_of(counters, learning_usd),
            costs_of_tiers(counters),
            costs_of_models(counters),
            answers_by_reason(counters),
            shadow_savings([counters]),
        )


@dataclass(frozen=True, slots=True)
class ShowSpend:
    totals: Totals

    def __call__(self, today: date) -> tuple[Spend, Spend]:
        """Return the spending of `today`, and of its month so far. Days are UTC."""
        month = CostsQuery(today.replace(day=1), today, "day")
        by_day = self.totals.of_days(month.days)
        learning = self.totals.learning_of_days(month.months)
        return (
            Spend.from_counters(by_day[today], learning.get(today, 0.0)),
            Spend.from_counters(
                add_up(by_day.values()), sum(learning.get(day, 0.0) for day in month.days)
            ),
        )
