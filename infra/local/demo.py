"""`make demo`: real queries through the whole stack, and what they cost, as DynamoDB has it."""

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import httpx
from rich.console import Console
from rich.table import Table

from infra.local.client import StackInfo, aws_client, running_stack
from infra.local.errors import LocalStackError
from route_switch.domain.config import RouterConfig
from route_switch.domain.tokens import estimate_tokens
from route_switch_offline import SampleRow, Workload, load_sample

PER_WORKLOAD = 8
SHORT = 4
UNRECORDED = 2
COLUMNS = ("query", "tier", "reason", "model", "answer", "cost $", "saved $")
WIDTHS = {"tier": 4, "reason": 8, "model": 14, "cost $": 8, "saved $": 8}
WIDTH_WITHOUT_TERMINAL = 110
SLOWEST_ANSWER_S = 40
GIVE_UP_AFTER = 3
Record = dict[str, Any]  # a result as the API shows it

SIMULATED = """\
[bold]What was simulated:[/] AWS (the deployed template runs on moto and Lambda's runtime emulator \
on this machine) and the tier models: they replay what real models of three sizes answered, at \
nominal prices, and say so where nobody recorded an answer. [bold]Real:[/] the queries, the \
routing prompt from Parameter Store, the router model (a small sentence encoder inside the \
function, without a price per token), the function, the records and the counters."""
SIMULATED_AWS = """\
[bold]What was simulated:[/] AWS (the deployed template runs on moto and Lambda's runtime emulator \
on this machine). [bold]Real:[/] everything else, the models included."""


@dataclass(frozen=True)
class Sent:
    """A query with what came back for it."""

    query: str
    status: int
    headers: httpx.Headers
    body: dict[str, Any]  # an answer of the API
    latency_ms: float


def demo(assembly: Path, state: Path) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    started = time.perf_counter()
    console.print("Starting the local stack and deploying the synthesized template …")
    with running_stack(assembly, state) as stack:
        seconds = time.perf_counter() - started
        console.print(f"The stack is up after {seconds:.1f} s at {stack.endpoint}.")
        sent = _send_all(console, stack, choose_queries(load_sample()))
        _print_totals(console, stack, sent)
    failed = [each for each in sent if each.status != httpx.codes.OK]
    if failed:
        raise LocalStackError(f"{len(failed)} of {len(sent)} requests failed: {failed[0].body}")


def choose_queries(rows: tuple[SampleRow, ...]) -> list[str]:
    """The sample's first queries of each workload, then short ones, then unrecorded ones.

    Nothing is chosen by how it is routed or answered.
    """
    bypass = RouterConfig.model_fields["bypass_tokens"].default
    recorded = [row for row in rows if row.models]
    chosen = [
        row
        for workload in get_args(Workload)
        for row in islice((row for row in recorded if row.workload == workload), PER_WORKLOAD)
    ]
    short = (r for r in recorded if estimate_tokens(r.query) < bypass and r not in chosen)
    unrecorded = (row for row in rows if not row.models)
    chosen += [*islice(short, SHORT), *islice(unrecorded, UNRECORDED)]
    return [row.query for row in chosen]


def _send_all(console: Console, stack: StackInfo, queries: list[str]) -> list[Sent]:
    sent = []
    console.print(f"\n[bold]{len(queries)} real queries[/]\n[dim]{_line(console, COLUMNS)}[/]")
    with httpx.Client(base_url=stack.endpoint, timeout=SLOWEST_ANSWER_S) as http:
        for each in _send(http, stack, queries):
            sent.append(each)
            if len(sent) == GIVE_UP_AFTER and all(s.status >= 500 for s in sent):
                raise LocalStackError(
                    f"The first {GIVE_UP_AFTER} requests failed: {each.body}\nCheck the models' "
                    f"server and keys; {Path('.local/demo/logs')} has the reasons."
                )
            console.print(_line(console, _cells(each)), markup=False, highlight=False)
    return sent


def _send(http: httpx.Client, stack: StackInfo, queries: list[str]) -> Iterator[Sent]:
    headers = {"authorization": f"Bearer {stack.api_key}"}
    for query in queries:
        request = {"model": "auto", "messages": [{"role": "user", "content": query}]}
        started = time.perf_counter()
        answer = http.post("/v1/chat/completions", json=request, headers=headers)
        latency_ms = (time.perf_counter() - started) * 1000
        yield Sent(query, answer.status_code, answer.headers, answer.json(), latency_ms)


def _cells(sent: Sent) -> tuple[str, ...]:
    if sent.status != httpx.codes.OK:
        return (sent.query, "", str(sent.status), "", str(sent.body), "", "")
    return (
        sent.query,
        sent.headers["x-route-tier"],
        sent.headers["x-route-reason"],
        sent.headers["x-route-model"],
        sent.body["choices"][0]["message"].get("content") or "",
        _dollars(sent.headers.get("x-route-cost-usd")),
        _dollars(sent.headers.get("x-route-saved-usd")),
    )


def _line(console: Console, cells: tuple[str, ...]) -> str:
    """One line of a table; query and answer share the room that the other columns leave."""
    share = (console.width - sum(WIDTHS.values()) - len(COLUMNS) + 1) // 2
    widths = [WIDTHS.get(column, max(share, 8)) for column in COLUMNS]
    return " ".join(_fit(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _fit(text: str, width: int) -> str:
    words = " ".join(text.split())
    return (words if len(words) <= width else words[: width - 1] + "…").ljust(width)


def _dollars(amount: str | None) -> str:
    return "unknown" if amount is None else f"{float(amount):.6f}"


def _print_totals(console: Console, stack: StackInfo, sent: list[Sent]) -> None:
    ids = [each.body["id"] for each in sent if each.status == httpx.codes.OK]
    records = read_records(stack, ids)
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
    """How the answers compare with Tier 3's to the same queries, by the sources' scores."""
    models = {row.query: row.models for row in rows if row.models}
    pairs = [
        (models[r["query_text"]][r["model"]].score, models[r["query_text"]]["offline/large"].score)
        for r in records
        if r["query_text"] in models
    ]
    equivalent = sum(routed >= large for routed, large in pairs)
    return (
        f"{equivalent} of the {len(pairs)} recorded answers score no worse than Tier 3's to the "
        "same query. That is a demonstration, not an evaluation: few queries, one prompt."
    )


def read_records(stack: StackInfo, ids: list[str]) -> list[Record]:
    """The records of these requests from the results table."""
    dynamodb = aws_client("dynamodb", stack.aws_endpoint, stack.region)
    records = []
    for request_id in ids:
        key = {"pk": {"S": f"RESULT#{request_id}"}, "sk": {"S": "RESULT"}}
        item = dynamodb.get_item(TableName=stack.results_table, Key=key)["Item"]
        records.append(json.loads(item["record"]["S"]))
    return records


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
        "cost / all on Tier 3": (
            _share(baseline - saved, baseline)
            if len(compared) == len(records)
            else f"unknown: no estimate for {len(records) - len(compared)} requests"
        ),
        "saved": f"${saved:.6f}",
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


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "unknown"


def percentile_95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
