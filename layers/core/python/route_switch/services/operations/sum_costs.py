"""Spending and savings over a range of days."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Protocol

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.costs import (
    CostTotals,
    Counters,
    add_up,
    costs_of,
    costs_of_models,
    costs_of_tiers,
)

GroupBy = Literal["day", "tier", "model", "key"]


@dataclass(frozen=True, slots=True)
class CostsQuery:
    """Days are UTC and inclusive. Keys are counted by month, so a query by key covers whole months;
    the current one may end today."""

    first: date
    last: date
    group_by: GroupBy

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]

    @property
    def months(self) -> list[str]:
        """The months as `YYYY-MM`."""
        return list(dict.fromkeys(day.isoformat()[:7] for day in self.days))


@dataclass(frozen=True, slots=True)
class CostGroup:
    """The costs of a day, tier (`1`, `2`, `3`, `router`), model or key. None stands for keys that
    have left the table."""

    group: date | str | ApiKey | None
    costs: CostTotals


@dataclass(frozen=True, slots=True)
class CostsReport:
    query: CostsQuery
    total: CostTotals
    rows: tuple[CostGroup, ...]


class Totals(Protocol):
    """Counters, updated with each request."""

    def of_days(self, days: Sequence[date]) -> Mapping[date, Counters]: ...

    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> Mapping[str, Counters]:
        """Return each key's counters, summed over the `months` (`YYYY-MM`)."""
        ...

    def learning_of_days(self, months: Sequence[str]) -> Mapping[date, float]:
        """Return USD by the day of the run."""
        ...


class SumCosts:
    """The total always comes from the daily counters, however the rows are grouped, so rows can be
    checked against it. `keys` returns all keys, including revoked ones."""

    def __init__(self, totals: Totals, keys: Callable[[], Sequence[ApiKey]]) -> None:
        self._totals = totals
        self._keys = keys

    def __call__(self, query: CostsQuery) -> CostsReport:
        by_day = self._totals.of_days(query.days)
        learning = self._totals.learning_of_days(query.months)
        learning_usd = sum(learning.get(day, 0.0) for day in query.days)
        counters = add_up(by_day.values())
        match query.group_by:
            case "day":
                rows = [
                    CostGroup(day, costs_of(by_day[day], learning.get(day, 0.0)))
                    for day in query.days
                ]
            case "tier":
                rows = [CostGroup(*row) for row in costs_of_tiers(counters).items()]
            case "model":
                rows = [CostGroup(*row) for row in costs_of_models(counters).items()]
            case "key":
                rows = self._by_key(query.months, counters)
        return CostsReport(query, costs_of(counters, learning_usd), tuple(rows))

    def _by_key(self, months: Sequence[str], total: Counters) -> list[CostGroup]:
        """Return a row for each key with requests. Costs that belong to no known key get a row too,
        so that no money is missing."""
        keys = self._keys()
        by_key = self._totals.of_keys([key.key_id for key in keys], months)
        rows = [CostGroup(key, costs_of(by_key[key.key_id])) for key in keys if by_key[key.key_id]]
        known = add_up(by_key.values())
        rest = {name: value - known.get(name, 0.0) for name, value in total.items()}
        if _requests(rest) > 0:  # negative if a request arrived between the reads
            rows.append(CostGroup(None, costs_of(rest)))
        return rows


def _requests(counters: Counters) -> float:
    return sum(counters.get(status, 0) for status in ("answered", "failed", "dry_run"))
