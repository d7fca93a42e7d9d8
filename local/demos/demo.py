"""`make demo`: send real queries through the whole stack, and show their recorded costs."""

import os
import statistics
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.aws.client import STACK_FILE, StackInfo
from local.aws.errors import LocalStackError
from local.aws.signals import STOP, Signals
from local.demos.chats import print_chats
from local.demos.traffic import (
    AWS,
    TIERS,
    Exchange,
    Record,
    new_console,
    read_records,
    send,
    started_stack,
)
from route_switch.cli.stage import STACK_VARIABLE
from route_switch.domain.operations.partial_sum import PartialSum
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tokens import estimate_tokens
from route_switch_offline import SampleRow, Workload, load_sample

PER_WORKLOAD: Mapping[Workload, int] = {
    "general": 8,
    "customer_support": 6,
    "code_generation": 6,
    "research_qa": 6,
    "math": 6,
}
"""General queries are chats, which most people know best."""
SHORT = 4
UNRECORDED = 2
COLUMNS = ("query", "tier", "reason", "model", "answer", "cost $", "saved $")
WIDTHS = {"tier": 4, "reason": 8, "model": 14, "cost $": 8, "saved $": 8}

KEPT = """
The console is at {console} (key: admin_key or api_key in {keys}).
The command line reaches this stack from another terminal in this folder:

export {variable}={keys}
.venv/bin/route-switch costs
.venv/bin/route-switch report

Ctrl-C stops the stack."""
NOT_KEPT = """
The stack stops now, and its console at {console} with it. To look at these requests there, run \
'make demo' in a terminal, which keeps the stack. 'make up' starts another one, without them."""
SIMULATED = f"""\
[bold]What was simulated:[/] {AWS} and {TIERS}. [bold]Real:[/] the queries, the \
routing prompt from Parameter Store, the router model (a small sentence encoder inside the \
function, without a price per token), the functions, the records and the counters."""
SIMULATED_AWS = f"""\
[bold]What was simulated:[/] {AWS}. [bold]Real:[/] everything else, including the models."""


def demo(assembly: Path, state: Path, once: bool = False) -> None:
    """Run the demonstration. On a terminal, keep the stack up until Ctrl-C, unless `once`."""
    console = new_console()
    with started_stack(console, assembly, state) as stack:
        sent = _send_all(console, stack, choose_queries(load_sample()))
        _print_totals(console, stack, sent)
        failed = [each for each in sent if not each.answered]
        if failed:
            raise LocalStackError(f"{len(failed)} of {len(sent)} requests failed: {failed[0].body}")
        console_url = f"{stack.endpoint}/console"
        if once or not (console.is_terminal and sys.stdin.isatty()):
            say_whole(console, NOT_KEPT.format(console=console_url))
        else:
            keys = state / STACK_FILE
            say_whole(console, KEPT.format(console=console_url, keys=keys, variable=STACK_VARIABLE))
            wait_for_stop()


def say_whole(console: Console, text: str) -> None:
    """Print without breaking an address or a path."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def wait_for_stop() -> None:
    """Return at a signal that stops the stack, such as Ctrl-C."""
    with Signals() as signals:
        signals.wait_for_them()
        while signals.next() not in STOP:
            pass


def choose_queries(rows: tuple[SampleRow, ...]) -> list[str]:
    """Return the sample's first queries of each workload, then short and unrecorded ones.

    The choice does not depend on how queries are routed or answered.
    """
    bypass = RouterConfig.model_fields["bypass_tokens"].default
    recorded = [row for row in rows if row.models]
    chosen = [
        row
        for workload, number in PER_WORKLOAD.items()
        for row in islice((row for row in recorded if row.workload == workload), number)
    ]
    short = (r for r in recorded if estimate_tokens(r.query) < bypass and r not in chosen)
    unrecorded = (row for row in rows if not row.models)
    chosen += [*islice(short, SHORT), *islice(unrecorded, UNRECORDED)]
    return [row.query for row in chosen]


def _send_all(console: Console, stack: StackInfo, queries: list[str]) -> list[Exchange]:
    console.print(f"\n[bold]{len(queries)} real queries[/]\n[dim]{_line(console, COLUMNS)}[/]")

    def show(sent: Exchange) -> None:
        console.print(_line(console, _cells(sent)), markup=False, highlight=False)

    return send(stack, queries, Path(".local/demo/logs"), show)


def _cells(sent: Exchange) -> tuple[str, ...]:
    if not sent.answered:
        return (sent.query, "", str(sent.status), "", str(sent.body), "", "")
    return (
        sent.query,
        sent.headers["x-route-tier"],
        sent.headers["x-route-reason"],
        sent.headers["x-route-model"],
        sent.text,
        _dollars(sent.headers.get("x-route-cost-usd")),
        _dollars(sent.headers.get("x-route-saved-usd")),
    )


def _line(console: Console, cells: tuple[str, ...]) -> str:
    """Format a line of the table. Query and answer share the width that the others leave."""
    share = (console.width - sum(WIDTHS.values()) - len(COLUMNS) + 1) // 2
    widths = [WIDTHS.get(column, max(share, 8)) for column in COLUMNS]
    return " ".join(_fit(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _fit(text: str, width: int) -> str:
    words = " ".join(text.split())
    return (words if len(words) <= width else words[: width - 1] + "…").ljust(width)


def _dollars(amount: str | None) -> str:
    return "unknown" if amount is None else f"{float(amount):.6f}"


def _print_totals(console: Console, stack: StackInfo, sent: list[Exchange]) -> None:
    ids = [each.body["id"] for each in sent if each.answered]
    records = read_records(stack, ids)
    chats = frozenset(row.query for row in load_sample() if row.workload == "general")
    print_chats(console, sent, dict(zip(ids, records, strict=True)), chats)
    console.print(totals_table(records))
    through_http = [each.latency_ms for each in sent]
    console.print(
        f"Through the API, cold start included: p50 {statistics.median(through_http):.0f} ms, "
        f"p95 {percentile_95(through_http):.0f} ms."
    )
    if os.environ.get("ROUTE_SWITCH_PROFILE", "offline") == "offline":
        console.print(recorded_quality(records, load_sample()), SIMULATED, sep="\n")
    else:
        console.print(SIMULATED_AWS)


def recorded_quality(records: list[Record], rows: tuple[SampleRow, ...]) -> str:
    """Compare the answers with Tier 3's to the same queries, by recorded scores."""
    models = {row.query: row.models for row in rows if row.models}
    pairs = [
        (models[r["query_text"]][r["model"]].score, models[r["query_text"]]["offline/large"].score)
        for r in records
        if r["query_text"] in models
    ]
    equivalent = sum(routed >= large for routed, large in pairs)
    return (
        f"{equivalent} of the {len(pairs)} recorded answers score no worse than Tier 3's answer to "
        "the same query. This is a demonstration, not an evaluation: few queries, one prompt."
    )


def totals_table(records: list[Record]) -> Table:
    """Each sum of money says over how many requests it is known."""
    priced = [r for r in records if r["cost_usd"] is not None]
    compared = [r for r in priced if r["baseline_cost_usd"] is not None]
    cost = sum(r["cost_usd"] for r in priced)
    baseline = sum(r["baseline_cost_usd"] for r in compared)
    saved = sum(r["saved_usd"] for r in compared)
    router = sum(r["router_cost_usd"] for r in priced)
    latency = [r["latency_ms"] for r in records]
    tiers = Counter(r["tier"] for r in records)
    reasons = Counter(r["reason"] for r in records)
    table = Table("total", "", title="Read back from DynamoDB", title_justify="left")
    rows = {
        "requests": str(len(records)),
        "cost": f"${cost:.6f} (known for {len(priced)})",
        "all on Tier 3 (estimate)": f"${baseline:.6f} (known for {len(compared)})",
        "cost / all on Tier 3": _compared_share(baseline - saved, baseline, compared, records),
        "saved": f"${saved:.6f}{_bounds(compared)}",
        "tier 1 / 2 / 3": " / ".join(_share(tiers[tier], len(records)) for tier in (1, 2, 3)),
        "reasons": ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
        "router's share of the cost": _share(router, cost),
        "router tokens a request": f"{sum(r['router_tokens'] for r in records) / len(records):.0f}",
        "latency in the function": f"p50 {statistics.median(latency):.0f} ms, "
        f"p95 {percentile_95(latency):.0f} ms",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _compared_share(
    cost: float, baseline: float, compared: list[Record], records: list[Record]
) -> str:
    hint = PartialSum(cost, len(records) - len(compared), len(records)).hint
    return _share(cost, baseline) + ("" if hint is None else f" ({hint})")


def _bounds(records: list[Record]) -> str:
    low, high = (sum(r[f"saved_usd_{side}"] for r in records) for side in ("low", "high"))
    return f" (estimated: ${low:.6f} to ${high:.6f})" if low < high else ""


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "unknown"


def percentile_95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
