"""The report's figures about the prompts that were tried, and about what a prompt moves."""

import numpy as np

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import (
    OutcomeTable,
)
from route_switch.domain.learning.text_policy import (
    BY_POLICY,
    NEEDS_CONTEXT,
    LearnFromText,
    text_for_learning,
)
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.prompts.schema import in_todays_form, plain
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tokens import clip
from route_switch.optimizer.arrays import OutcomeArrays, arrays_of
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.held_out import (
    held_out_gains,
)
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT, routed_policy
from route_switch.optimizer.prompt_search import Trial
from route_switch.optimizer.report.figures import (
    CandidateFigures,
    Moved,
)
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.route_examples import RouteExamples

EXCERPT_TOKENS = 40


def candidate_figures(
    found: Findings, plan: Plan, calls: MeteredCalls
) -> tuple[CandidateFigures, ...]:
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
        selected=_is_selected(prompt, found.candidate),
    )


def _is_selected(prompt: RoutingPrompt, candidate: RoutingPrompt) -> bool:
    """Whether the candidate's router LLM reads this prompt."""
    asks = candidate.strategy != "local"
    return asks and prompt.version == in_todays_form(plain(candidate)).version


def rejected_texts(found: Findings) -> dict[str, int]:
    """Return rejected proposals and withheld texts, by reason."""
    rejected = dict(sorted(found.rejected.items()))
    withheld = found.training.withheld_by if found.training else {}
    for reason, n in sorted(withheld.items()):
        is_safe = reason in (BY_POLICY, NEEDS_CONTEXT)
        rejected[f"no demo: {reason}" if is_safe else f"no demo: unsafe, {reason}"] = n
    return rejected


def moved_queries(found: Findings, plan: Plan) -> tuple[Moved, ...]:
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
            query=_excerpt(example, plan.learn_from_text),
            before=arrays.tiers[columns[0][i]],
            after=arrays.tiers[columns[1][i]],
            best=arrays.tiers[best[i]],
            gain=gains[i].gain,
        )
        for i, example in enumerate(examples)
        if columns[0][i] != columns[1][i]
    ]
    return tuple(sorted(moved, key=lambda row: -abs(row.gain)))


def _excerpt(example: Example, policy: LearnFromText) -> str | None:
    """Return what a report quotes of the owner's own examples. Of traffic it names the request: no
    filter finds every order and every secret, and reports are passed on more widely than
    records."""
    text = None if example.from_traffic else text_for_learning(example, policy)
    return None if text is None else clip(text, EXCERPT_TOKENS)
