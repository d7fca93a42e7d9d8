"""The tables of a report, as text in cells. HTML and Markdown show the same ones."""

from collections.abc import Iterable

from route_switch.domain.tiers import Tier
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import CandidateFigures, Moved, PolicyFigures, Report
from route_switch.optimizer.report.text_format import (
    NOT_MEASURED,
    Cell,
    Folded,
    ReportTable,
    difference,
    difference_word,
    fixed,
    milliseconds,
    percent,
    ratio,
    share,
    usd,
)
from route_switch.optimizer.report.verdict import LARGEST, find


def policies(report: Report) -> ReportTable:
    tiers = ", ".join(str(int(tier)) for tier in report.tiers)
    ranked = _ranked(report.policies)
    heldout = ranked[0].quality.n if ranked else 0
    return ReportTable(
        caption=f"Policies on the same {heldout:,} held-out rows, best objective first; in "
        f"parentheses the 95% interval. Mix is the share of queries on Tiers {tiers}.",
        head=("Policy", "Cost", "Quality", "Retention", "Objective", "Mix, %", "n"),
        rows=tuple((p.policy, *_figures(p, report), f"{p.quality.n:,}") for p in ranked),
        strong=_learned(ranked),
    )


def _figures(policy: PolicyFigures, report: Report) -> tuple[str, str, str, str, str]:
    mix = "/".join(fixed(100 * policy.mix.get(tier, 0.0), 0) for tier in report.tiers)
    return (
        ratio(policy.cost),
        percent(policy.quality),
        percent(policy.retention),
        ratio(policy.objective, 3),
        mix,
    )


def _ranked(policies: Iterable[PolicyFigures]) -> list[PolicyFigures]:
    return sorted(policies, key=lambda policy: -policy.objective.mean)


def _learned(policies: Iterable[PolicyFigures]) -> frozenset[int]:
    return frozenset(i for i, policy in enumerate(policies) if policy.policy == CANDIDATE)


def differences(report: Report) -> ReportTable:
    return ReportTable(
        caption=f"Objective of {report.learned} minus that of each policy, paired by row, with "
        "the 95% interval",
        head=("Against", "Learned is", "Difference", "n"),
        rows=tuple(
            (name, difference_word(gain), difference(gain), f"{gain.n:,}")
            for name, gain in sorted(report.against.items(), key=lambda item: -item[1].mean)
        ),
        texts=2,
    )


def workloads(report: Report, only: frozenset[str] | None) -> ReportTable:
    """Return figures by workload. `only` limits the policies to those named."""
    shown = [
        (workload.workload, policy)
        for workload in report.workloads
        for policy in _ranked(workload.policies)
        if only is None or policy.policy in only
    ]
    return ReportTable(
        caption="Policies on the held-out rows of each workload, with 95% intervals",
        head=("Workload", "Policy", "Cost", "Quality", "Objective", "n"),
        rows=tuple(
            (
                workload,
                policy.policy,
                ratio(policy.cost),
                percent(policy.quality),
                ratio(policy.objective),
                f"{policy.quality.n:,}",
            )
            for workload, policy in shown
        ),
        texts=2,
        strong=_learned(policy for _, policy in shown),
    )


def moved(report: Report, most: int) -> ReportTable:
    largest = sorted(report.moved, key=lambda row: (-abs(row.gain), row.example))
    return ReportTable(
        caption="Queries whose tier changes, largest effect first "
        f"({min(most, len(largest))} of {len(largest):,})",
        head=("Query", "Before", "After", "Best", "Gain"),
        rows=tuple(_moved(row) for row in largest[:most]),
    )


def _moved(row: Moved) -> tuple[str, ...]:
    query = f"{row.example}: text not shown" if row.query is None else " ".join(row.query.split())
    tiers = (f"Tier {int(tier)}" for tier in (row.before, row.after, row.best))
    return (query, *tiers, fixed(row.gain, 3, signed=True))


def confusion(report: Report) -> ReportTable:
    total = sum(sum(row.values()) for row in report.confusion.values()) or 1
    chosen = tuple(report.tiers)

    def cell(best: Tier, tier: Tier) -> str:
        rows = report.confusion.get(best, {}).get(tier, 0)
        text = f"{rows:,} ({share(rows / total)})"
        return f"✓ {text}" if best == tier else text

    return ReportTable(
        caption=f"Held-out rows by best tier and by the tier that {report.learned} chose; ✓ marks "
        "agreement",
        head=("Best tier", *(f"Chosen: Tier {int(tier)}" for tier in chosen)),
        rows=tuple(
            (f"Tier {int(best)}", *(cell(best, tier) for tier in chosen)) for best in chosen
        ),
    )


def latency(report: Report) -> ReportTable:
    measured = (
        (policy, policy.latency_ms)
        for name in (CANDIDATE, LARGEST)
        if (policy := find(report.policies, name)) is not None
    )
    return ReportTable(
        caption="Mean time to answer, including the router, with the 95% interval",
        head=("Policy", "Latency", "n"),
        rows=tuple(
            (policy.policy, milliseconds(value), f"{value.n:,}")
            for policy, value in measured
            if value is not None
        ),
    )


def candidates(report: Report, most: int) -> ReportTable:
    ranked = sorted(report.candidates, key=_rank)
    return ReportTable(
        caption="Prompts tried, scored on the validation rows, the selected one first "
        f"({min(most, len(ranked))} of {len(ranked)})",
        head=("Prompt", "Result", "Objective", "Quality", "Cost", "Demos", "Bytes"),
        rows=tuple(_candidate(candidate) for candidate in ranked[:most]),
        texts=2,
        strong=frozenset({0} if ranked and ranked[0].selected else ()),
    )


def _rank(candidate: CandidateFigures) -> tuple[bool, float, int]:
    score = -(2.0**20) if candidate.objective is None else candidate.objective
    return not candidate.selected, -score, candidate.number


def _candidate(candidate: CandidateFigures) -> tuple[Cell, ...]:
    name = f"no. {candidate.number}"
    result = "selected" if candidate.selected else "tried"
    return (
        Folded(name, candidate.instruction),
        result if candidate.rejected is None else f"rejected: {candidate.rejected}",
        *(
            "–" if value is None else fixed(value, 3)
            for value in (candidate.objective, candidate.quality, candidate.cost)
        ),
        str(candidate.demos),
        f"{candidate.bytes:,}",
    )


def rejected(report: Report) -> ReportTable:
    return ReportTable(
        caption="Proposals and demos that were rejected, by reason",
        head=("Reason", "Rejected"),
        rows=tuple((reason, f"{n:,}") for reason, n in sorted(report.rejected.items())),
    )


def grading(report: Report) -> ReportTable:
    return ReportTable(
        caption="Outcomes by grader",
        head=("Graded by", "Outcomes"),
        rows=tuple((name, f"{n:,}") for name, n in report.graded_by.items()),
    )


def spend(report: Report) -> ReportTable:
    purposes = sorted(report.spend.calls.keys() | report.spend.usd.keys())
    rows = [
        (p, f"{report.spend.calls.get(p, 0):,}", usd(report.spend.usd.get(p, 0.0)))
        for p in purposes
    ]
    calls = sum(report.spend.calls.values())
    rows.append(("total", f"{calls:,}", usd(report.spend.total_usd)))
    return ReportTable(
        caption="Calls paid by this run, by purpose",
        head=("Purpose", "Calls", "USD"),
        rows=tuple(rows),
        strong=frozenset({len(rows) - 1}),
    )


def rows(report: Report) -> ReportTable:
    counts = report.rows
    return ReportTable(
        caption="Examples by use",
        head=("Rows", "Number"),
        rows=(
            ("train", f"{counts.train:,}"),
            ("validation (prompts are selected on these)", f"{counts.validation:,}"),
            ("held-out (policies are measured on these)", f"{counts.heldout:,}"),
            (
                "removed (near-duplicates across sides)",
                f"{counts.near_duplicates_removed:,}",
            ),
            (
                "left out (no outcome for some tier)",
                NOT_MEASURED if counts.without_outcome is None else f"{counts.without_outcome:,}",
            ),
            *_templates(report),
            *_conversations(report),
        ),
    )


def _conversations(report: Report) -> tuple[tuple[str, str], ...]:
    conversations = report.rows.conversations
    return (("rows in a conversation", f"{conversations:,}"),) if conversations else ()


def _templates(report: Report) -> tuple[tuple[str, str], ...]:
    rows = report.rows
    if rows.templates is None or rows.heldout_templates is None:
        return ()
    return (
        ("templates of all rows", f"{rows.templates:,}"),
        (
            "templates of held-out rows (each counts once in intervals)",
            f"{rows.heldout_templates:,}",
        ),
    )


def setup(report: Report) -> ReportTable:
    models = [(f"Tier {int(tier)}", model) for tier, model in report.tiers.items()]
    return ReportTable(
        caption="Setup of this run",
        head=("Part", "Value"),
        rows=(
            *models,
            ("router", report.router_model),
            ("optimizer", report.optimizer),
            ("proposer", report.proposer_model),
            ("judge", report.judge_model or "none"),
            ("λ", f"{report.lambda_:g}"),
            ("seed", str(report.seed)),
            ("created", report.created),
            *sorted(report.versions.items()),
        ),
        texts=2,
    )
