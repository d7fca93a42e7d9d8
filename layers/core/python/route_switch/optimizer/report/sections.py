"""The sections of a report after its opening. HTML and Markdown show the same ones, in order."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report import tables as tables
from route_switch.optimizer.report.article_table import (
    POLICIES,
    TITLE,
    URL,
    WORKLOADS,
    article_remarks,
    article_rows,
    article_table,
)
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.gate_section import gate_paragraphs
from route_switch.optimizer.report.grading_section import grading_paragraphs
from route_switch.optimizer.report.key_figures import worth_of_quality
from route_switch.optimizer.report.profiles_section import PROFILES, profile_notes, profiles_table
from route_switch.optimizer.report.promise_section import (
    promise_paragraphs,
    promise_table,
)
from route_switch.optimizer.report.steering_section import steering_paragraphs, steering_table
from route_switch.optimizer.report.strategy_section import (
    bypass_paragraph,
    bypass_table,
    strategy_paragraphs,
    strategy_tables,
)
from route_switch.optimizer.report.text_format import (
    NOT_MEASURED,
    ReportTable,
    difference,
    share,
    usd,
)
from route_switch.optimizer.report.understanding_section import (
    understanding_paragraphs,
    understanding_table,
)
from route_switch.optimizer.report.verdict import LARGEST, best_constant, find, objective

MEANINGS = {
    "tier-1": "sends every query to Tier 1",
    "tier-2": "sends every query to Tier 2",
    "tier-3": "sends every query to Tier 3",
    "static-rules": "looks at keywords, length and code",
    "random": "draws tiers with the candidate's mix",
    "linear": "predicts each tier's result with a linear model of the query's embedding",
    "knn": "copies the best tier of the most similar training queries",
    "clusters": "looks up the best tier of the query's cluster",
    "length": "looks at the query's length alone",
    "hand-written": "uses the prompt written by a person",
    "incumbent": "uses the current prompt",
    "prompt": "lets the router LLM read the best prompt of the search",
    "local": "uses the local model alone",
    "hybrid": "uses the local model, and the router LLM where the model is unsure",
    "oracle": "knows every outcome, as an upper bound",
}


@dataclass(frozen=True, slots=True)
class Section:
    """Paragraphs, then tables, then `diff` (lines of a unified diff) and `command`."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    diff: tuple[str, ...] = ()
    command: str | None = None

    @property
    def anchor(self) -> str:
        return "-".join(self.title.lower().split())


def sections(report: Report, *, compact: bool) -> Iterator[Section]:
    """Yield the sections. `compact` is for terminals: fewer rows and policies in long tables."""
    most = 10 if compact else 50
    if report.policies:
        yield _cost_and_quality(report)
        if report.promise is not None:
            shown = (promise_table(report.promise),) if report.promise.policies else ()
            yield Section("Promise", promise_paragraphs(report), shown)
        yield Section("Paired differences", _control(report), (tables.differences(report),))
    if report.strategies is not None:
        about = tuple(strategy_paragraphs(report))
        yield Section("Strategies", about, tuple(strategy_tables(report)))
        bypass = report.strategies.bypass
        yield Section("Bypass", (bypass_paragraph(bypass),), (bypass_table(bypass),))
    if report.steering is not None:
        yield Section("Steering", steering_paragraphs(report.steering), (steering_table(report),))
    if report.curve is not None:
        about = (*PROFILES, *profile_notes(report.curve))
        yield Section("Profiles", about, (profiles_table(report.curve),))
    if report.workloads:
        yield Section("By workload", (), (_workloads(report, compact=compact),))
    yield _prompt(report)
    if report.moved:
        yield _moved(report, most)
    if report.confusion:
        yield _confusion(report)
    yield _latency(report)
    yield _grading(report)
    if report.graded_by:
        about = understanding_paragraphs(report)
        yield Section("What was not understood", about, (understanding_table(report),))
    if report.optimizer != "none":
        yield _candidates(report, most)
    yield _spend(report)
    yield Section("Rows and gate", gate_paragraphs(report), (tables.rows(report),))
    yield Section("How to reproduce it", (), (tables.setup(report),), command=report.command)
    if {workload.workload for workload in report.workloads} & WORKLOADS.keys():
        yield _article(report)


def _cost_and_quality(report: Report) -> Section:
    known = {**MEANINGS, CANDIDATE: f"uses {report.learned}"}
    if report.strategies is not None and any(e.never_asks for e in report.strategies.estimates):
        known["hybrid"] = "uses the local model, and never asks the router LLM"
    meanings = "; ".join(
        f"{policy.policy} {known[policy.policy]}"
        for policy in report.policies
        if policy.policy in known
    )
    definitions = (
        "Cost is that of answers and router, relative to the same queries all on Tier 3. Quality "
        "is the share of queries whose answer is rated no worse than Tier 3's. Retention is the "
        f"mean score relative to Tier 3's. Objective is {objective(report)}."
    )
    return Section(
        "Cost and quality",
        (definitions, worth_of_quality(report), f"The policies: {meanings}."),
        (tables.policies(report),),
    )


def _control(report: Report) -> tuple[str, ...]:
    """Describe the control. A learner that sees leaked labels succeeds even on shuffled ones."""
    controls = report.shuffled_controls
    if not controls:
        return ()
    figures = ", ".join(f"{name} {difference(control)}" for name, control in controls.items())
    leaking = [name for name, control in controls.items() if control.low > 0]
    leak = f" {' and '.join(leaking)}: above 0, so labels leak, and no figure here can be trusted."
    return (
        "Control: each learner's objective on shuffled labels, which teach nothing, minus that of "
        f"random routing at its mix: {figures}.{leak if leaking else ''}",
    )


def _workloads(report: Report, *, compact: bool) -> ReportTable:
    constant = best_constant(report)
    few = {CANDIDATE, "hand-written", "static-rules", constant.policy if constant else LARGEST}
    more = {"incumbent", "local", "hybrid", "knn", "random", "oracle", LARGEST, "tier-1", "tier-2"}
    return tables.workloads(report, frozenset(few if compact else few | more))


def _prompt(report: Report) -> Section:
    current, learned = report.incumbent_prompt, report.candidate_prompt
    diff = difflib.unified_diff(current.splitlines(), learned.splitlines(), lineterm="")
    lines = tuple(diff)[2:]  # without the file names
    legend = "Lines with - are removed, lines with + are added."
    text = legend if lines else "The prompt does not change."
    return Section("What changes in the prompt", (text,), diff=lines)


def _moved(report: Report, most: int) -> Section:
    changed = "" if report.gate is None else f"{share(report.gate.moved)} of queries change tier. "
    gain = "Gain is the change of the query's quality − λ · cost."
    return Section("Queries that change tier", (changed + gain,), (tables.moved(report, most),))


def _confusion(report: Report) -> Section:
    cells = [
        (best, chosen, rows)
        for best, row in report.confusion.items()
        for chosen, rows in row.items()
    ]
    total = sum(rows for *_, rows in cells) or 1
    agree = sum(rows for best, chosen, rows in cells if best == chosen) / total
    small = sum(rows for best, chosen, rows in cells if chosen < best) / total
    large = sum(rows for best, chosen, rows in cells if chosen > best) / total
    text = (
        "The best tier of a row is the one with the highest objective, known in hindsight. The "
        f"choice is the best tier in {share(agree)} of rows, a smaller one (which risks quality) "
        f"in {share(small)} and a larger one (which costs more) in {share(large)}."
    )
    return Section("Best tier and chosen tier", (text,), (tables.confusion(report),))


def _latency(report: Report) -> Section:
    learned, largest = find(report.policies, CANDIDATE), find(report.policies, LARGEST)
    if learned is None or largest is None or learned.latency_ms is None or not largest.latency_ms:
        return Section("Latency", (f"Latency compared with all Tier 3: {NOT_MEASURED}.",))
    change = learned.latency_ms.mean / largest.latency_ms.mean - 1
    word = "less" if change < 0 else "more"
    text = f"Routed answers take {share(abs(change))} {word} time than all on Tier 3."
    return Section("Latency", (text,), (tables.latency(report),))


def _grading(report: Report) -> Section:
    graded = (tables.grading(report),) if report.graded_by else ()
    return Section("How answers were graded", grading_paragraphs(report), graded)


def _candidates(report: Report, most: int) -> Section:
    text = (
        "Prompts are compared on the validation rows, and only the selected one is measured on the "
        "held-out rows. So the scores here are optimistic."
    )
    shown = [tables.candidates(report, most)] if report.candidates else []
    if report.rejected:
        shown.append(tables.rejected(report))
    return Section("Prompts tried", (text,), tuple(shown))


def _spend(report: Report) -> Section:
    total, cap = usd(report.spend.total_usd), report.spend.cap_usd
    if cap is None:
        text = f"This run spent {total}; it had no cap."
    else:
        text = f"This run spent {total} of its cap of {usd(cap)}."
    return Section("What this run spent", (text,), (tables.spend(report),))


def _article(report: Report) -> Section:
    rows = article_rows(report.workloads)
    compared = ", ".join(POLICIES.values())
    text = f"The article “{TITLE}” ({URL}) compares {compared} on its own traffic and models."
    return Section(
        "Compared with the article",
        (text, *article_remarks(report.workloads)),
        (article_table(rows),),
    )
