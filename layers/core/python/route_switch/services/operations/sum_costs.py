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

GroupBy = Literal["day", "tier", "model", "key", "tag"]
BY_MONTH: tuple[GroupBy, ...] = ("key", "tag")
"""Groups of keys, which are counted by month."""


@dataclass(frozen=True, slots=True)
class CostsQuery:
    """Days are UTC and inclusive. Keys are counted by month, so a query by key or tag covers whole
    months; the current one may end today."""

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
    """The costs of a day, tier (`1`, `2`, `3`, `router`), model, key or tag (`team=search`). None
    stands for keys that have left the table, and among tags for keys without any, too."""

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
                rows = [
                    CostGroup(key, costs_of(of_key))
                    for key, of_key in self._by_key(query.months, counters)
                ]
            case "tag":
                rows = [
                    CostGroup(tag, costs_of(of_tag))
                    for tag, of_tag in _by_tag(self._by_key(query.months, counters)).items()
                ]
        return CostsReport(query, costs_of(counters, learning_usd), tuple(rows))

    def _by_key(
        self, months: Sequence[str], total: Counters
    ) -> list[tuple[ApiKey | None, Counters]]:
        """Return the counters of each key with requests. Costs that belong to no known key come
        last, so that no money is missing."""
        keys = self._keys()
        by_key = self._totals.of_keys([key.key_id for key in keys], months)
        rows: list[tuple[ApiKey | None, Counters]] = [
            (key, by_key[key.key_id]) for key in keys if by_key[key.key_id]
        ]
        known = add_up(by_key.values())
        rest = {name: value - known.get(name, 0.0) for name, value in total.items()}
        if _requests(rest) > 0:  # negative if a request arrived between the reads
            rows.append((None, rest))
        return rows


def _by_tag(rows: Sequence[tuple[ApiKey | None, Counters]]) -> dict[str | None, Counters]:
    """Sum up by tag, in alphabetical order. A key with several tags counts for each."""
    of_tag: dict[str | None, list[Counters]] = {}
    for key, counters in rows:
        tags = [f"{name}={value}" for name, value in key.tags.items()] if key else []
        for tag in tags or (None,):
            of_tag.setdefault(tag, []).append(counters)
    return {tag: add_up(of_tag[tag]) for tag in sorted(of_tag, key=lambda tag: (tag is None, tag))}


def _requests(counters: Counters) -> float:
    return sum(counters.get(status, 0) for status in ("answered", "failed", "dry_run"))
