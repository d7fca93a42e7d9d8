"""The article's table: measured figures next to the published ones, for its three workloads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import Interval, PolicyFigures, WorkloadFigures
from route_switch.optimizer.report.text_format import ReportTable, fixed, percent, ratio, share
from route_switch.optimizer.report.verdict import LARGEST, find

TITLE = "Intelligent LLM Routing: Spending Compute Where It Matters"
URL = "https://skelfresearch.com/blog/llm-cognition/intelligent-llm-routing/"
"""The article whose figures are `PUBLISHED`."""
NO_ROWS = "no rows"

WORKLOADS = {
    "customer_support": "Customer support",
    "code_generation": "Code generation",
    "research_qa": "Research Q&A",
}
POLICIES = {LARGEST: "all Tier 3", "static-rules": "static rules", CANDIDATE: "route-switch"}


@dataclass(frozen=True, slots=True)
class Published:
    """Figures as printed: cost relative to all Tier 3 to 0.01, quality to one percent."""

    cost: float
    quality: float


PUBLISHED = {
    ("customer_support", "static-rules"): Published(0.42, 0.89),
    ("customer_support", CANDIDATE): Published(0.35, 0.96),
    ("code_generation", "static-rules"): Published(0.55, 0.82),
    ("code_generation", CANDIDATE): Published(0.48, 0.94),
    ("research_qa", "static-rules"): Published(0.61, 0.78),
    ("research_qa", CANDIDATE): Published(0.52, 0.93),
}
ALL_TIER_3 = Published(1.0, 1.0)


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One workload under one policy. `measured` is None if the run had no such rows."""

    workload: str
    policy: str
    published: Published
    measured: PolicyFigures | None


def article_rows(workloads: Sequence[WorkloadFigures]) -> tuple[ArticleRow, ...]:
    measured = {workload.workload: workload.policies for workload in workloads}
    return tuple(
        ArticleRow(
            workload,
            policy,
            PUBLISHED.get((workload, policy), ALL_TIER_3),
            find(measured.get(workload, ()), policy),
        )
        for workload in WORKLOADS
        for policy in POLICIES
    )


def article_table(rows: Iterable[ArticleRow]) -> ReportTable:
    return ReportTable(
        caption="Measured figures with 95% intervals, next to the article's",
        head=("Workload", "Policy", "Cost", "Article", "Quality", "Article", "n"),
        rows=tuple(_cells(row) for row in rows),
        texts=2,
    )


def _cells(row: ArticleRow) -> tuple[str, ...]:
    cost, quality, n = NO_ROWS, NO_ROWS, "0"
    if row.measured is not None:
        cost, quality = ratio(row.measured.cost), percent(row.measured.quality)
        n = f"{row.measured.quality.n:,}"
    return (
        WORKLOADS[row.workload],
        POLICIES[row.policy],
        cost,
        fixed(row.published.cost),
        quality,
        f"{100 * row.published.quality:.0f}%",
        n,
    )


def article_remarks(workloads: Sequence[WorkloadFigures]) -> tuple[str, ...]:
    """Return a sentence per workload: what the rows are a proxy for, and how the figures differ."""
    notes = {workload.workload: workload.note for workload in workloads}
    candidates = (row for row in article_rows(workloads) if row.policy == CANDIDATE)
    return tuple(_remark(row, notes.get(row.workload)) for row in candidates)


def _remark(row: ArticleRow, note: str | None) -> str:
    name = WORKLOADS[row.workload]
    if row.measured is None:
        return f"{name}: this run had no rows."
    proxy = "" if note is None else f"measured on a proxy ({note.rstrip('.')}); "
    cost = _compared(row.measured.cost, row.published.cost)
    quality = _compared(row.measured.quality, row.published.quality)
    return (
        f"{name}: {proxy}cost is {cost} ({fixed(row.measured.cost.mean)} against "
        f"{fixed(row.published.cost)}) and quality is {quality} "
        f"({share(row.measured.quality.mean)} against {100 * row.published.quality:.0f}%)."
    )


def _compared(measured: Interval, published: float) -> str:
    """Compare with the published figure; inside the interval they cannot be told apart."""
    if measured.low <= published <= measured.high:
        return "in line with the published figure"
    return "lower than published" if measured.high < published else "higher than published"
