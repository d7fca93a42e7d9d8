"""Print an estimate as tables, or return it as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill

from pydantic import JsonValue
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from route_switch.cost_estimate.deployment import Deployment, Traffic
from route_switch.cost_estimate.monthly import MonthlyEstimate
from route_switch.domain.pricing import add_known
from route_switch.domain.tiers import Tier

WIDTH = 88
Row = tuple[str, float | None]


def print_tables(estimate: MonthlyEstimate, assumptions: Sequence[str]) -> None:
    # A fixed width, so that the output is the same in every terminal and in the documentation.
    console = Console(width=WIDTH, highlight=False)
    console.print(f"Stage {estimate.deployment.stage}, USD", style="bold")
    for table in (_idle_table(estimate), _requests_table(estimate), _month_table(estimate)):
        console.print(table)
        console.print()
    for text in assumptions:
        console.print(fill(text, WIDTH, initial_indent="- ", subsequent_indent="  "), markup=False)


def as_json(estimate: MonthlyEstimate, assumptions: Sequence[str]) -> dict[str, JsonValue]:
    """Return USD amounts; null if a price is unknown."""
    free, full = (estimate.idle_usd(free_tier=free_tier) for free_tier in (True, False))
    models, aws = dict(_model_rows(estimate)), dict(_aws_rows(estimate))
    return {
        "stage": estimate.deployment.stage,
        "idle_usd": {"with_free_tier": _with_total(free), "without_free_tier": _with_total(full)},
        "per_1000_requests_usd": {
            "models": _with_total(models),
            "aws": _with_total(aws),
            "total": add_known(*models.values(), *aws.values()),
        },
        "month_usd": dict(_month_rows(estimate)),
        "assumptions": list(assumptions),
    }


def _idle_table(estimate: MonthlyEstimate) -> Table:
    free, full = (estimate.idle_usd(free_tier=free_tier) for free_tier in (True, False))
    table = _table("A month without a request", "free tier", "without")
    for label, usd in full.items():
        table.add_row(label, _usd(free[label]), _usd(usd))
    table.add_section()
    table.add_row("Total", _usd(sum(free.values())), _usd(sum(full.values())))
    return table


def _requests_table(estimate: MonthlyEstimate) -> Table:
    traffic = estimate.traffic
    tokens = f"{traffic.input_tokens:,} + {traffic.output_tokens:,} tokens"
    table = _table(f"1,000 requests of {tokens}, without the free tier", "USD")
    models, aws = list(_model_rows(estimate)), list(_aws_rows(estimate))
    for rows in (models, aws):
        for label, usd in rows:
            table.add_row(escape(label), _usd(usd, 4))
        table.add_section()
    table.add_row("Models", _usd(add_known(*(usd for _, usd in models)), 4))
    table.add_row("AWS", _usd(add_known(*(usd for _, usd in aws)), 4))
    return table


def _month_table(estimate: MonthlyEstimate) -> Table:
    table = _table(
        f"A month of {estimate.traffic.requests:,.0f} requests, with the free tier", "USD"
    )
    for label, usd in _month_rows(estimate):
        if label == "Total":
            table.add_section()
        table.add_row(label, _usd(usd))
    return table


def _model_rows(estimate: MonthlyEstimate) -> Iterator[Row]:
    catalog, costs = estimate.deployment.config.models, estimate.models
    yield f"Router  {catalog.router}", _per_1000(costs.router_usd, estimate.traffic)
    for tier, usd in costs.tiers_usd.items():
        name = catalog.tiers[tier].name
        yield f"Tier {tier.value}  {name}", _per_1000(usd, estimate.traffic)


def _aws_rows(estimate: MonthlyEstimate) -> Iterator[Row]:
    for label, usd in estimate.requests_usd.items():
        yield label, _per_1000(usd, estimate.traffic)


def _month_rows(estimate: MonthlyEstimate) -> Iterator[Row]:
    month = estimate.month
    yield "Models", month.models
    yield "Lambda, waiting for models", month.waiting
    yield "AWS, all else that requests use", month.requests
    yield "AWS, fixed", month.standing
    yield "Learning's models, at most", month.learning
    yield "Total", month.total
    yield f"All on Tier 3, called directly: {_large(estimate.deployment)}", month.baseline
    yield "Saved, net", month.saved


def _large(deployment: Deployment) -> str:
    return deployment.config.models.tiers[Tier.LARGE].name


def _per_1000(usd: float | None, traffic: Traffic) -> float | None:
    return None if usd is None else usd / traffic.requests * 1000


def _with_total(rows: Mapping[str, float | None]) -> dict[str, JsonValue]:
    return {**rows, "total": add_known(*rows.values())}


def _table(title: str, *columns: str) -> Table:
    table = Table(title, box=box.SIMPLE, show_edge=False, pad_edge=False, min_width=WIDTH)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _usd(amount: float | None, decimals: int = 2) -> str:
    return "unknown" if amount is None else f"{amount:z,.{decimals}f}".replace("-", "−")
