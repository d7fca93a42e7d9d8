"""The step that trains the local model, and decides which strategy is proposed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from route_switch.domain.errors import BudgetReachedError, ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.promotion import select_best
from route_switch.domain.learning.text_policy import BY_POLICY, LearnFromText, why_withheld
from route_switch.domain.routing import bypass_below
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.bypass_tuning import BypassTuning, tune_bypass
from route_switch.optimizer.compare import decided_policy
from route_switch.optimizer.findings import Findings, Tables, known
from route_switch.optimizer.local_training import TrainedLocal
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.remembered_training import train_once
from route_switch.optimizer.strategy_choice import (
    StrategyChoice,
    StrategyEstimate,
    TriedPrompts,
    estimates,
    local_decisions,
    pick,
)
from route_switch.optimizer.validation_rows import Decisions, ValidationRows
from route_switch.services.learning.route_examples import RoutedExample

Route = Callable[[Sequence[Example], RoutingPrompt], Sequence[RoutedExample]]
"""Routes examples with a prompt. The search has paid for the validation rows."""
WhySteered = Callable[[RoutingPrompt], str | None]
"""Returns why a prompt is easier to steer than the incumbent, or None."""

NEED_LOCAL = ("local", "hybrid")
MIN_ROWS = 5
"""Train rows that a local model needs at least; from very few it is the best constant tier."""


@dataclass(frozen=True, slots=True)
class LocalTraining:
    """The local model, or None and why there is none."""

    local: TrainedLocal | None
    why_none: str | None


def why_untrained(policy: LearnFromText, examples: Sequence[Example]) -> str | None:
    """Return why no local model can be trained on these train examples, or None."""
    usable = sum(why_withheld(example, policy) is None for example in examples)
    if usable >= MIN_ROWS:
        return None
    by_policy = sum(why_withheld(example, policy) == BY_POLICY for example in examples)
    off = f" learn_from_text=off withholds the text of {by_policy}." if by_policy else ""
    return (
        f"A local model needs {MIN_ROWS} train examples whose text may be learned from, and there "
        f"are {usable}.{off}"
    )


def train(plan: Plan, tables: Tables) -> LocalTraining:
    """Train the local model. Raise `ConfigurationError` if the plan needs one and there is none."""
    why = why_untrained(plan.learn_from_text, tables.train.examples)
    if why is None:
        trained = train_once(tables.train, tables.validation, plan.learn_from_text, plan.lambda_)
        return LocalTraining(trained, None)
    if plan.strategy in NEED_LOCAL:
        raise ConfigurationError(
            f"{why} Add examples, or choose another strategy than {plan.strategy}."
        )
    return LocalTraining(None, why)


def choose_strategy(
    plan: Plan, found: Findings, training: LocalTraining, route: Route, why_steered: WhySteered
) -> StrategyChoice | None:
    """Estimate the strategies, and choose the one that the plan asks for, or for `auto` the one
    that validation rows favor, out of those that `why_steered` has nothing against. Return None if
    a search without a trial left nothing to choose. A stage that bypasses nothing keeps doing so.
    """
    local = training.local
    rows = ValidationRows.of(known(found.tables).validation, plan.lambda_)
    current = bypass_below(plan.config, found.incumbent)
    tried = _tried(found, rows, route)
    each = estimates(rows, found.allowed, tried, local, current)
    if plan.strategy not in each and (plan.strategy != "auto" or not each):
        return None
    reasons = {name: why_steered(estimate.prompt) for name, estimate in each.items()}
    refused = {name: reason for name, reason in reasons.items() if reason is not None}
    if plan.strategy == "auto":
        allowed = {name: estimate for name, estimate in each.items() if name not in refused}
        chosen = pick(allowed or each, found.incumbent.strategy)
    else:
        chosen = each[plan.strategy]
    tuned = _tuned(rows, chosen, local, current, route)
    return StrategyChoice(
        chosen=chosen.strategy,
        estimates=each,
        n=len(rows),
        local=local,
        why_no_local=training.why_none,
        bypass=tuned if plan.config.bypass_tokens else replace(tuned, proposed=None),
        refused=refused,
    )


def candidate_of(choice: StrategyChoice, incumbent: RoutingPrompt) -> RoutingPrompt:
    """Return the prompt to propose."""
    chosen = choice.estimates[choice.chosen].prompt
    proposed = choice.bypass.proposed
    tokens = incumbent.bypass_tokens if proposed is None else proposed
    return chosen.model_copy(update={"bypass_tokens": tokens})


def _tried(found: Findings, rows: ValidationRows, route: Route) -> TriedPrompts | None:
    """Return the prompts of the search, with their bypass as the incumbent has it."""
    if not found.trials:
        return None
    bypass = {"bypass_tokens": found.incumbent.bypass_tokens}
    first = {trial.prompt.version: trial for trial in reversed(found.trials)}
    versions = dict.fromkeys(trial.prompt.version for trial in found.trials)
    best = found.trials[select_best([trial.reward for trial in found.trials])]
    prompts = [first[version].prompt.model_copy(update=bypass) for version in versions]
    return TriedPrompts(
        prompts=prompts,
        decisions=[_decisions(rows, prompt, route) for prompt in prompts],
        best=list(versions).index(best.prompt.version),
    )


def _decisions(rows: ValidationRows, prompt: RoutingPrompt, route: Route) -> Decisions:
    routed = route(rows.table.examples, prompt)
    return Decisions.of(decided_policy(CANDIDATE, rows.arrays.tiers, routed), routed, rows)


def _tuned(
    rows: ValidationRows,
    chosen: StrategyEstimate,
    local: TrainedLocal | None,
    current: int,
    route: Route,
) -> BypassTuning:
    """Tune the bypass of the chosen strategy. What a prompt does with a query that is bypassed now
    takes a router call; if the cap forbids it, the threshold can only rise."""
    if chosen.strategy == "local" and local is not None:
        return tune_bypass(rows, local_decisions(rows, local, 0), current)
    decisions = chosen.decisions
    if chosen.strategy == "prompt":
        try:
            unbypassed = chosen.prompt.model_copy(update={"bypass_tokens": 0})
            decisions = _decisions(rows, unbypassed, route)
        except BudgetReachedError:
            return tune_bypass(rows, decisions, current, lowest=current)
        return tune_bypass(rows, decisions, current)
    return tune_bypass(rows, decisions, current, lowest=current)
