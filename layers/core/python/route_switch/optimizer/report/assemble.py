"""Assemble the report from a run's findings."""

from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.domain.learning.outcome import (
    measured_output_ratios,
)
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.arrays import arrays_of
from route_switch.optimizer.compare import Comparison
from route_switch.optimizer.curve.curve_points import curve_figures
from route_switch.optimizer.curve.policy_curve import PolicyCurve
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.held_out import (
    SEED,
    confusion,
    gate_figures,
    workload_figures,
)
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.candidate_figures import (
    candidate_figures,
    moved_queries,
    rejected_texts,
)
from route_switch.optimizer.report.figures import (
    Interval,
    LearningSpend,
    Report,
    WorkloadFigures,
)
from route_switch.optimizer.report.promise_section import promise_figures
from route_switch.optimizer.report.row_counts import (
    count_rows,
    count_understanding,
    graded_by,
    output_ratios,
)
from route_switch.optimizer.report.steering_section import steering_of_run
from route_switch.optimizer.report.strategies_of_run import strategies_of
from route_switch.optimizer.statistics import bootstrap
from route_switch.services.learning.metered_calls import MeteredCalls


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What the report states in addition to the findings. `workload_notes` name a proxy's data."""

    created: str
    command: str
    versions: Mapping[str, str]
    simulated: tuple[str, ...]
    cap_usd: float
    monthly_queries: int
    workload_notes: Mapping[str, str]
    odd_lines: int = 0
    """Lines of the examples' file that could not be read as examples."""


def assemble_report(
    found: Findings,
    candidate: RoutingPrompt,
    plan: Plan,
    calls: MeteredCalls,
    context: ReportContext,
) -> Report:
    """Return the report of a finished run, or of what an interrupted run knows."""
    comparison = found.comparison
    return Report(
        created=context.created,
        command=context.command,
        versions=dict(context.versions),
        lambda_=plan.lambda_,
        tiers=dict(plan.models),
        router_model=plan.config.models.router,
        optimizer=plan.optimizer if plan.searches else "none",
        proposer_model=plan.proposer_model,
        judge_model=plan.judge_model,
        seed=plan.seed,
        simulated=context.simulated,
        complete=found.stopped_by is None,
        stopped_by=None if found.stopped_by is None else str(found.stopped_by),
        rows=count_rows(found, plan, context.odd_lines),
        gate=gate_figures(found.gate, found.needs_approval) if found.gate else None,
        promise=promise_figures(found.promise) if found.promise else None,
        steering=steering_of_run(found),
        strategies=strategies_of(found, plan),
        no_worse_margin=plan.no_worse_margin,
        policies=comparison.policies if comparison else (),
        against=comparison.against if comparison else {},
        incumbent_against=comparison.incumbent_against if comparison else {},
        over_hand_written=comparison.over_hand_written if comparison else {},
        shuffled_controls=comparison.controls if comparison else {},
        curve=curve_figures(PolicyCurve.of(found.decisions)) if found.decisions else None,
        workloads=_workloads(found, plan, context.workload_notes),
        candidates=candidate_figures(found, plan, calls),
        rejected=rejected_texts(found),
        incumbent_prompt=to_markdown(found.incumbent),
        candidate_prompt=to_markdown(
            found.incumbent if candidate.version == found.incumbent.version else candidate
        ),
        moved=moved_queries(found, plan),
        confusion=(
            confusion(comparison.arrays, comparison.measured[CANDIDATE], plan.lambda_)
            if comparison
            else {}
        ),
        agreement=found.agreement,
        graded_by=graded_by(found),
        understanding=count_understanding(found),
        max_not_understood=plan.max_not_understood,
        spend=LearningSpend(
            calls=dict(sorted(calls.calls.items())),
            usd=dict(sorted(calls.usd.items())),
            cap_usd=context.cap_usd,
        ),
        tier_3_usd=arrays_of(found.tables.heldout, plan.lambda_).tier_3_usd
        if found.tables
        else None,
        tier_3_output_ratio=output_ratios(found),
        output_ratios=measured_output_ratios(found.built.table) if found.built else (),
        monthly_queries=context.monthly_queries,
        saving_usd_a_month=_saving(comparison, context.monthly_queries),
    )


def _workloads(
    found: Findings, plan: Plan, notes: Mapping[str, str]
) -> tuple[WorkloadFigures, ...]:
    if found.comparison is None or found.tables is None:
        return ()
    figures = workload_figures(
        found.comparison.arrays,
        found.tables.heldout.examples,
        tuple(found.comparison.measured.values()),
        plan.lambda_,
    )
    return tuple(f.model_copy(update={"note": notes.get(f.workload)}) for f in figures)


def _saving(comparison: Comparison | None, monthly_queries: int) -> Interval | None:
    if comparison is None:
        return None
    arrays, policy = comparison.arrays, comparison.measured[CANDIDATE]
    paid = policy.mean_of(arrays.cost_usd) + policy.router_usd
    weights = arrays.weights[:, None]
    saved = weights * (arrays.cost_usd[:, -1] - paid)[:, None]
    [usd] = bootstrap(saved, weights, SEED, clusters=arrays.templates)
    low, mean, high = (monthly_queries * value for value in (usd.low, usd.mean, usd.high))
    return Interval(mean=mean, low=low, high=high, n=len(arrays))
