"""What was spent and saved in a range of days."""

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
    """Days are UTC, and both are part of the range. By key it consists of whole months, of which
    the current one may end today: that is how keys are counted."""

    first: date
    last: date
    group_by: GroupBy

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]

    @property
    def months(self) -> list[str]:
        """As `YYYY-MM`."""
        return list(dict.fromkeys(day.isoformat()[:7] for day in self.days))


@dataclass(frozen=True, slots=True)
class CostGroup:
    """Of this day, tier (`1`, `2`, `3`, `router`), model or key; None stands for keys that the
    table does not hold any more."""

    of: date | str | ApiKey | None
    costs: CostTotals


@dataclass(frozen=True, slots=True)
class CostsReport:
    query: CostsQuery
    total: CostTotals
    rows: tuple[CostGroup, ...]


class Totals(Protocol):
    """Counters that were added up as requests came in."""

    def of_days(self, days: Sequence[date]) -> Mapping[date, Counters]: ...

    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> Mapping[str, Counters]:
        """`months` (`YYYY-MM`) are added up."""
        ...

    def learning_of_days(self, months: Sequence[str]) -> Mapping[date, float]:
        """USD by the days of the runs."""
        ...


class SumCosts:
    """The total is of the days, however it is divided: so rows can be held against it. `keys` are
    all that there are, revoked ones too."""

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
        """Keys with requests; what is counted for none of them is a row too, so that none of the
        money is missing."""
        keys = self._keys()
        by_key = self._totals.of_keys([key.key_id for key in keys], months)
        rows = [CostGroup(key, costs_of(by_key[key.key_id])) for key in keys if by_key[key.key_id]]
        known = add_up(by_key.values())
        rest = {name: value - known.get(name, 0.0) for name, value in total.items()}
        if _requests(rest) > 0:  # below, if a request came in between
            rows.append(CostGroup(None, costs_of(rest)))
        return rows


def _requests(counters: Counters) -> float:
    return sum(counters.get(status, 0) for status in ("answered", "failed", "dry_run"))
