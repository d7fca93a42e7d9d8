"""Assemble the report from a run's findings."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from route_switch.domain.learning.left_out import LeftOutReason
from route_switch.domain.learning.outcome import (
    OutcomeTable,
    measured_output_ratios,
    tier_3_output_ratio,
)
from route_switch.domain.learning.text_policy import BY_POLICY, NEEDS_CONTEXT, text_for_learning
from route_switch.domain.learning.understanding import ReplyCount, Understanding
from route_switch.domain.learning.used_rows import (
    MISPLACED,
    NEAR,
    ODD_LINES,
    rows_lacking_results,
)
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.prompts.schema import in_todays_form
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import clip
from route_switch.optimizer.arrays import OutcomeArrays, arrays_of
from route_switch.optimizer.compare import Comparison
from route_switch.optimizer.held_out import (
    SEED,
    confusion,
    gate_figures,
    held_out_gains,
    workload_figures,
)
from route_switch.optimizer.learning_steps import Findings, Plan
from route_switch.optimizer.mipro_search import Trial
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT, routed_policy
from route_switch.optimizer.report.figures import (
    CandidateFigures,
    Interval,
    LearningSpend,
    Moved,
    Report,
    Rows,
    WorkloadFigures,
)
from route_switch.optimizer.report.promise_section import promise_figures
from route_switch.optimizer.statistics import bootstrap
from route_switch.services.learning.build_outcomes import can_be_called
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.route_examples import RouteExamples

EXCERPT_TOKENS = 40


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
        proposer_model=plan.proposer_model,
        judge_model=plan.judge_model,
        seed=plan.seed,
        simulated=context.simulated,
        complete=found.stopped_by is None,
        stopped_by=None if found.stopped_by is None else str(found.stopped_by),
        rows=_rows(found, plan, context.odd_lines),
        gate=gate_figures(found.gate, found.needs_approval) if found.gate else None,
        promise=promise_figures(found.promise) if found.promise else None,
        no_worse_margin=plan.no_worse_margin,
        policies=comparison.policies if comparison else (),
        against=comparison.against if comparison else {},
        incumbent_against=comparison.incumbent_against if comparison else {},
        shuffled_control=comparison.control if comparison else None,
        workloads=_workloads(found, plan, context.workload_notes),
        candidates=_candidates(found, plan, calls),
        rejected=_rejected(found),
        incumbent_prompt=to_markdown(found.incumbent),
        candidate_prompt=to_markdown(
            found.incumbent if candidate.version == found.incumbent.version else candidate
        ),
        moved=_moved(found, plan),
        confusion=(
            confusion(comparison.arrays, comparison.measured[CANDIDATE], plan.lambda_)
            if comparison
            else {}
        ),
        agreement=found.agreement,
        graded_by=_graded_by(found),
        understanding=_understanding(found),
        max_not_understood=plan.max_not_understood,
        spend=LearningSpend(
            calls=dict(sorted(calls.calls.items())),
            usd=dict(sorted(calls.usd.items())),
            cap_usd=context.cap_usd,
        ),
        tier_3_usd=arrays_of(found.tables.heldout, plan.lambda_).tier_3_usd
        if found.tables
        else None,
        tier_3_output_ratio=_output_ratios(found),
        output_ratios=measured_output_ratios(found.built.table) if found.built else (),
        monthly_queries=context.monthly_queries,
        saving_usd_a_month=_saving(comparison, context.monthly_queries),
    )


def _rows(found: Findings, plan: Plan, odd: int) -> Rows:
    sides, tables = found.sides, found.tables
    assert sides is not None  # noqa: S101 (always set by then; for the type checker)
    if tables is not None:
        rows = (tables.train.examples, tables.validation.examples, tables.heldout.examples)
    else:
        rows = (sides.train, sides.validation, sides.heldout)
    train, validation, heldout = map(len, rows)
    templates = [{example.template_key for example in side} for side in rows]
    return Rows(
        train=train,
        validation=validation,
        heldout=heldout,
        near_duplicates_removed=sides.near_duplicates,
        duplicates_merged=sides.duplicates,
        without_outcome=sum(found.built.left_out.values()) if found.built else None,
        left_out={reason: n for reason, n in sorted(_left_out(found, plan, odd).items()) if n},
        templates=sum(map(len, templates)),  # no template is on two sides
        heldout_templates=len(templates[-1]),
        conversations=sum(example.is_conversation for side in rows for example in side),
    )


def _left_out(found: Findings, plan: Plan, odd_lines: int) -> dict[str, int]:
    """Return the rows that were not used, by reason; name the models whose results are missing."""
    sides, built = found.sides, found.built
    assert sides is not None  # noqa: S101 (as above)
    reasons = Counter({ODD_LINES: odd_lines, NEAR: sides.near_duplicates})
    reasons[MISPLACED] = sides.misplaced
    if built is None:
        return reasons
    for reason, n in built.left_out.items():
        if reason is not LeftOutReason.NO_RESULT:
            reasons[reason.value] += n
    recorded_only = {t: name for t, name in plan.models.items() if not can_be_called(name)}
    reasons += rows_lacking_results(sides.examples, recorded_only)
    return reasons


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


def _candidates(found: Findings, plan: Plan, calls: MeteredCalls) -> tuple[CandidateFigures, ...]:
    """Return each prompt once, in the order of its first trial, with figures on validation rows."""
    if found.tables is None:
        return ()
    route = RouteExamples(plan.config, calls, frozenset(plan.models))
    table = found.tables.validation
    arrays = arrays_of(table, plan.lambda_)
    prompts = {trial.prompt.version: trial for trial in reversed(found.trials)}
    first_trials = dict.fromkeys(trial.prompt.version for trial in found.trials)
    return tuple(
        _candidate(number, prompts[version], table, arrays, route, found, plan)
        for number, version in enumerate(first_trials)
    )


def _candidate(
    number: int,
    trial: Trial,
    table: OutcomeTable,
    arrays: OutcomeArrays,
    route: RouteExamples,
    found: Findings,
    plan: Plan,
) -> CandidateFigures:
    """Route the validation rows again. That costs nothing: the memo has every answer."""
    prompt = trial.prompt
    decisions = route(table.examples, prompt, plan.threads)
    policy = routed_policy(
        str(number),
        arrays.tiers,
        [decision.tier for decision in decisions],
        [decision.router_usd for decision in decisions],
    )

    def mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(np.average(values, weights=arrays.weights))

    cost_usd = policy.mean_of(arrays.cost_usd) + policy.router_usd
    return CandidateFigures(
        number=number,
        instruction=prompt.instruction,
        demos=len(prompt.demos),
        bytes=len(to_markdown(prompt).encode()),
        objective=mean(policy.rewards(arrays, plan.lambda_)),
        quality=mean(policy.mean_of(arrays.equivalent)),
        cost=mean(cost_usd) / arrays.usd_per_unit,
        selected=prompt.version == in_todays_form(found.candidate).version,
    )


def _rejected(found: Findings) -> dict[str, int]:
    """Return rejected proposals and withheld texts, by reason."""
    rejected = dict(sorted(found.rejected.items()))
    withheld = found.training.withheld_by if found.training else {}
    for reason, n in sorted(withheld.items()):
        is_safe = reason in (BY_POLICY, NEEDS_CONTEXT)
        rejected[f"no demo: {reason}" if is_safe else f"no demo: unsafe, {reason}"] = n
    return rejected


def _moved(found: Findings, plan: Plan) -> tuple[Moved, ...]:
    """Return the moved queries, largest change first."""
    if found.comparison is None or found.tables is None:
        return ()
    arrays, measured = found.comparison.arrays, found.comparison.measured
    before, after = measured[INCUMBENT], measured[CANDIDATE]
    examples = found.tables.heldout.examples
    gains = held_out_gains(arrays, examples, after, before, plan.lambda_)
    columns = [choice.argmax(axis=1) for choice in (before.choice, after.choice)]
    best = arrays.rewards(plan.lambda_).argmax(axis=1)
    moved = [
        Moved(
            example=example.id,
            query=_excerpt(text_for_learning(example, plan.learn_from_text)),
            before=arrays.tiers[columns[0][i]],
            after=arrays.tiers[columns[1][i]],
            best=arrays.tiers[best[i]],
            gain=gains[i].gain,
        )
        for i, example in enumerate(examples)
        if columns[0][i] != columns[1][i]
    ]
    return tuple(sorted(moved, key=lambda row: -abs(row.gain)))


def _excerpt(text: str | None) -> str | None:
    return None if text is None else clip(text, EXCERPT_TOKENS)


def _graded_by(found: Findings) -> dict[str, int]:
    if found.built is None:
        return {}
    by = Counter(
        cell.graded_by.value
        for row in found.built.table.rows
        for tier, cell in row.items()
        if tier is not Tier.LARGE
    )
    return dict(sorted(by.items()))


def _understanding(found: Findings) -> Understanding:
    built = found.built.understanding if found.built else Understanding()
    replies = found.router_replies
    measured = (replies.get(prompt.version) for prompt in (found.candidate, found.incumbent))
    return built.model_copy(
        update={
            "judge": found.judged.pairs,
            "unread_replies": found.judged.unread,
            "router": next((count for count in measured if count is not None), ReplyCount()),
        }
    )


def _output_ratios(found: Findings) -> dict[Tier, float]:
    measured = tier_3_output_ratio(found.built.table) if found.built else {}
    return {tier: ratio for tier, ratio in measured.items() if ratio is not None}


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
