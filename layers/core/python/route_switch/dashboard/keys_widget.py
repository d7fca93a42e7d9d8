"""The view `keys`: this month by API key."""

from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.dashboard.markup import Html, Table, joined, paragraph
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.amounts import NONE, count, share, usd
from route_switch.domain.operations.costs import CostTotals
from route_switch.services.operations.sum_costs import CostGroup, CostsReport

MOST_ROWS = 50
HEAD = ("Key", "Tags", "Requests", "Spent", "Budget", "Used")
NOTE = (
    "This month (UTC), most expensive first. Keys without requests are not shown, and learning is "
    "charged to no key. Run 'route-switch keys list' to see each key's limits."
)


@dataclass(frozen=True, slots=True)
class KeysView:
    """`report` covers the month, grouped by key."""

    report: CostsReport

    @property
    def html(self) -> Html:
        rows = key_rows(self.report.rows)
        rows.append(_cells("All keys", "", self.report.total))
        table = Table(HEAD, rows, texts=2, strong=frozenset({len(rows) - 1}))
        return joined(table.html, paragraph(NOTE))


def key_rows(groups: Sequence[CostGroup]) -> list[tuple[str, ...]]:
    """Return a row for each of the most expensive keys, and one for all others."""
    ranked = sorted(groups, key=lambda row: -row.costs.spent_usd)
    rows = [_row(row) for row in ranked[:MOST_ROWS]]
    others = [row.costs for row in ranked[MOST_ROWS:]]
    return [*rows, _others(others)] if others else rows


def _row(row: CostGroup) -> tuple[str, ...]:
    if not isinstance(row.group, ApiKey):
        return _cells("Deleted keys", "", row.costs)
    key = row.group
    name = f"{key.name} (revoked)" if key.revoked else key.name
    tags = ", ".join(f"{tag}={value}" for tag, value in key.tags.items())
    return _cells(name, tags, row.costs, key.monthly_budget_usd)


def _cells(name: str, tags: str, costs: CostTotals, budget: float | None = None) -> tuple[str, ...]:
    used = (NONE, NONE) if budget is None else (usd(budget), share(costs.spent_usd, budget))
    return name, tags, count(costs.requests), costs.spent.in_short, *used


def _others(costs: Sequence[CostTotals]) -> tuple[str, ...]:
    total = CostTotals(
        spent_usd=sum(each.spent_usd for each in costs),
        answered=sum(each.answered or 0 for each in costs),
        failed=sum(each.failed or 0 for each in costs),
        dry_runs=sum(each.dry_runs or 0 for each in costs),
        without_cost=sum(each.without_cost or 0 for each in costs),
    )
    return _cells(f"{len(costs)} others", "", total)
