"""Costs, savings and results as tables and sentences."""

from collections.abc import Sequence
from datetime import date

from rich.markup import escape
from rich.table import Table

from route_switch.cli.rows import Column
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.operations.amounts import count, usd
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.ports import JsonObject
from route_switch.services.operations.sum_costs import CostGroup, CostsReport, GroupBy

BASES = {
    SavingBasis.TIER_3: "from Tier 3's own model: nothing is estimated",
    SavingBasis.CONFIGURED: "estimated with the stage's tier_3_output_ratio",
    SavingBasis.MEASURED: "estimated with the lengths of answers that learning measured",
    SavingBasis.PRIOR: "estimated as if Tier 3's answers were as long (0.4 to 2.5 times as long); "
    "no learning run has measured it yet",
    SavingBasis.NO_ANSWER: "without an answer",
    SavingBasis.NO_TOKENS: "unknown: the provider reported no tokens",
    SavingBasis.NO_PRICE: "unknown: a model has no known price",
}
"""What a saving rests on, or why it is unknown."""

RESULT_COLUMNS = (
    Column("request"),
    Column("created", rank=1),
    Column("tier"),
    Column("reason", rank=3),
    Column("model", rank=2),
    Column("cost", right=True),
    Column("saved", right=True),
)


def costs_table(report: CostsReport) -> Table:
    query = report.query
    table = Table(title=f"{query.first} to {query.last} (UTC), USD", title_justify="left")
    for title in (query.group_by, "answered", "spent", "router", "learning", "saved"):
        table.add_column(title, justify="left" if title == query.group_by else "right")
    rows = [row for row in report.rows if _has_something(row.costs)]
    for row in rows:
        table.add_row(escape(_label(query.group_by, row)), *_figures(row.costs))
    table.add_section()
    table.add_row("total", *_figures(report.total))
    return table


def saved_in_words(costs: CostTotals) -> str:
    """Say how well the saving is known, and what it rests on."""
    lines = ["Saved compares with an estimate of the same answers on Tier 3, net of the router and"]
    lines.append("of learning. AWS's own cost is not included.")
    spent, saved = costs.spent, costs.saved
    if saved.usd is not None and costs.saved_usd_low != costs.saved_usd_high:
        low, high = usd(costs.saved_usd_low), usd(costs.saved_usd_high)
        lines.append(f"The total saving lies between {low} and {high}.")
    if spent.hint:
        known = "unknown" if spent.usd is None else "a lower bound"
        lines.append(
            f"Spent is {known}: {spent.hint}, because a model has no known price or the provider "
            "reported no tokens."
        )
    if saved.hint:
        lines.append(f"Saved leaves some answers out: {saved.hint}.")
    lines += _cached_in_words(costs)
    lines += [f"- {number:,} answers {BASES[basis]}" for basis, number in costs.saving_basis or ()]
    return "\n".join(lines)


def _cached_in_words(costs: CostTotals) -> list[str]:
    """Say how much of the input providers read from their prompt caches, and wrote to them."""
    read, written = costs.cached_input_tokens or 0, costs.cache_write_tokens or 0
    if not costs.input_tokens or not read + written:
        return []
    shares = [f"{100 * part / costs.input_tokens:.0f}%" for part in (read, written)]
    return [
        f"Of {costs.input_tokens:,} input tokens, providers read {read:,} ({shares[0]}) from their "
        f"prompt caches and wrote {written:,} ({shares[1]}) to them."
    ]


def result_rows(records: Sequence[JsonObject]) -> list[list[str]]:
    """Return the cells of `RESULT_COLUMNS` for each record."""
    return [
        [
            str(record["request_id"]),
            str(record["created_at"])[:19].replace("T", " "),
            str(record["tier"]),
            str(record["reason"]),
            str(record["model"] or record["status"]),
            _amount(record["cost_usd"]),
            saved_amount(record),
        ]
        for record in records
    ]


def saved_amount(record: JsonObject) -> str:
    """Return the saving of one request, a record or a row of the list; `~` marks an estimate."""
    basis = record.get("saving_basis")
    of_row = isinstance(basis, str) and SavingBasis(basis).is_estimate
    mark = (
        "~" if record.get("baseline_estimated", of_row) and record["saved_usd"] is not None else ""
    )
    return f"{mark}{_amount(record['saved_usd'])}"


def _amount(value: object) -> str:
    return usd(value if isinstance(value, float | int) else None)


def _label(group_by: GroupBy, row: CostGroup) -> str:
    match row.group:
        case ApiKey() as key:
            return f"{key.key_id} ({key.name})"
        case None if group_by == "tag":
            return "keys without tags"
        case None:
            return "keys that no longer exist"
        case date() as day:
            return day.isoformat()
        case name:
            return name


def _figures(costs: CostTotals) -> tuple[str, ...]:
    """Return an empty cell where a figure does not exist, as opposed to an unknown one."""
    return (
        "" if costs.answered is None else count(costs.answered),
        costs.spent.in_short,
        "" if costs.router_usd is None else usd(costs.router_usd),
        "" if costs.learning_usd is None else usd(costs.learning_usd),
        "" if costs.saving_basis is None else usd(costs.saved.usd),
    )


def _has_something(costs: CostTotals) -> bool:
    return any(
        (costs.requests, costs.answered, costs.spent_usd, costs.without_cost, costs.learning_usd)
    )
