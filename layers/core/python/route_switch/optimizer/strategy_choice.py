"""Which strategy a run proposes: `prompt`, `local` or `hybrid`, by validation rows.

Each strategy's estimate is from rows that its own choices did not see; docs/decisions/026 has the
rule, which was written before any held-out row was looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from route_switch.domain.local_model import LocalModel
from route_switch.domain.prompts.size_limit import fits
from route_switch.domain.routing_prompt import RoutingPrompt, StrategyName
from route_switch.optimizer.arrays import Floats
from route_switch.optimizer.bypass_tuning import BypassTuning
from route_switch.optimizer.local_rows import Mask
from route_switch.optimizer.local_training import TrainedLocal
from route_switch.optimizer.statistics import MeanAndError
from route_switch.optimizer.strong_features import MOST
from route_switch.optimizer.validation_rows import Decisions, ValidationRows

TIE = 0.002
"""Estimates of the objective that differ by less are a tie."""
MAX_ASKED = 0.3
"""The largest share of the validation rows' weight for which `hybrid` may ask the router LLM."""
ASKED_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
CHEAPEST_TO_SERVE: tuple[StrategyName, ...] = ("local", "hybrid", "prompt")


@dataclass(frozen=True, slots=True)
class StrategyEstimate:
    """A strategy on validation rows: its `objective`, the share of queries for which it asks the
    router LLM, and the prompt that it would serve with. `decisions` are those of the prompt as it
    would be served, with a local model's from the other folds."""

    strategy: StrategyName
    objective: MeanAndError
    asked: float
    prompt: RoutingPrompt
    decisions: Decisions


@dataclass(frozen=True, slots=True)
class TriedPrompts:
    """The prompts of the search with their decisions on validation rows; `best` is an index."""

    prompts: Sequence[RoutingPrompt]
    decisions: Sequence[Decisions]
    best: int


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """`estimates` are of the strategies that could be served, on `n` validation rows; `chosen` is
    one of them. `why_no_local` says why there is no local model; it is None if there is one.
    `refused` are the strategies that are easier to steer than the incumbent, with what shows it."""

    chosen: StrategyName
    estimates: dict[StrategyName, StrategyEstimate]
    n: int
    local: TrainedLocal | None
    why_no_local: str | None
    bypass: BypassTuning
    refused: Mapping[StrategyName, str] = field(default_factory=dict)

    @property
    def why_refused(self) -> str | None:
        """Why what was chosen is not proposed, or None."""
        return self.refused.get(self.chosen)


def estimates(
    rows: ValidationRows,
    fallback: RoutingPrompt,
    tried: TriedPrompts | None,
    local: TrainedLocal | None,
    bypass_tokens: int,
) -> dict[StrategyName, StrategyEstimate]:
    """Return the estimates of the strategies that can be served. `fallback` is the text that a
    local model comes with: `route-switch` and people fall back on it."""
    found: dict[StrategyName, StrategyEstimate] = {}
    if local is not None:
        found["local"] = _local(rows, fallback, local, bypass_tokens)
    if tried is not None:
        honest = rows.honest(tried.decisions)
        prompt, decisions = tried.prompts[tried.best], tried.decisions[tried.best]
        found["prompt"] = _estimate("prompt", rows, honest, prompt, decisions)
        if local is not None:
            found["hybrid"] = _hybrid(rows, prompt, decisions, honest, local, bypass_tokens)
    return found


def pick(
    found: Mapping[StrategyName, StrategyEstimate], incumbent: StrategyName
) -> StrategyEstimate:
    """Return the strategy with the highest estimate; of a tie, the incumbent's strategy, else the
    cheapest to serve. Strategies that give all rows the same tiers are a tie. A strategy that gives
    every row one tier does not win a tie as the incumbent's: no router is needed for that."""
    highest = max(found.values(), key=lambda each: each.objective.mean)
    tied = {name: each for name, each in found.items() if _ties(each, highest)}
    if incumbent in tied and not tied[incumbent].decisions.are_constant:
        return tied[incumbent]
    return next(tied[name] for name in CHEAPEST_TO_SERVE if name in tied)


def _ties(one: StrategyEstimate, highest: StrategyEstimate) -> bool:
    near = one.objective.mean > highest.objective.mean - TIE
    return near or np.array_equal(one.decisions.tiers, highest.decisions.tiers)


def local_decisions(rows: ValidationRows, local: TrainedLocal, bypass_tokens: int) -> Decisions:
    choice = local.validation.choice(rows.lambda_)
    rewards = (choice * rows.arrays.rewards(rows.lambda_)).sum(axis=1)
    nobody = np.zeros(len(rows), dtype=np.bool_)
    decided = Decisions(rewards, nobody, choice.argmax(axis=1))
    return decided.where(rows.shorter_than(bypass_tokens), rows.to_tier_1())


def _local(
    rows: ValidationRows, fallback: RoutingPrompt, local: TrainedLocal, bypass_tokens: int
) -> StrategyEstimate:
    decisions = local_decisions(rows, local, bypass_tokens)
    prompt = _with_model(fallback, "local", local, None)
    return _estimate("local", rows, decisions, prompt, decisions)


def _hybrid(
    rows: ValidationRows,
    prompt: RoutingPrompt,
    asked: Decisions,
    honest: Decisions,
    local: TrainedLocal,
    bypass_tokens: int,
) -> StrategyEstimate:
    """Choose the threshold by the best prompt's decisions, and estimate it by the honest ones."""
    own = local_decisions(rows, local, bypass_tokens)
    leads = local.validation.leads(rows.lambda_)
    bypassed = rows.shorter_than(bypass_tokens)
    thresholds = (
        _thresholds(leads, rows.arrays.weights, bypassed) if local.constant is None else [0.0]
    )
    unsure = [(leads < threshold) & ~bypassed for threshold in thresholds]
    chosen = [own.where(each, asked) for each in unsure]
    best = rows.best(chosen)
    served = _with_model(prompt, "hybrid", local, round(thresholds[best], 6))
    estimate = rows.honest([own.where(each, honest) for each in unsure])
    return _estimate("hybrid", rows, estimate, served, chosen[best])


def _thresholds(leads: Floats, weights: Floats, bypassed: Mask) -> list[float]:
    """Return leads below which rows with at most each of `ASKED_SHARES` of the weight of all rows
    are asked about, the smallest first."""
    order = np.argsort(leads[~bypassed], kind="stable")
    ordered, weighed = leads[~bypassed][order], weights[~bypassed][order]
    before = np.cumsum(weighed) - weighed
    most = np.array(ASKED_SHARES) * weights.sum()
    places = np.searchsorted(before, most * (1 + 1e-9), side="right") - 1
    return sorted({0.0, *(float(ordered[place]) for place in places if len(ordered))})


def _with_model(
    prompt: RoutingPrompt, strategy: StrategyName, local: TrainedLocal, ask_below: float | None
) -> RoutingPrompt:
    """Name as many of the strongest features as Parameter Store has room for."""
    numbers = local.numbers
    for most in range(MOST, -1, -1):
        shown = tuple(
            feature
            for tier in numbers.tiers
            for feature in [each for each in local.strongest if each.tier is tier][:most]
        )
        model = LocalModel(
            sha256=numbers.sha256, ask_below=ask_below, strongest=shown, numbers=numbers
        )
        served = prompt.model_copy(update={"strategy": strategy, "local_model": model})
        if fits(served):
            break
    return served


def _estimate(
    strategy: StrategyName,
    rows: ValidationRows,
    honest: Decisions,
    prompt: RoutingPrompt,
    decisions: Decisions,
) -> StrategyEstimate:
    return StrategyEstimate(
        strategy=strategy,
        objective=rows.mean_and_error(honest.rewards),
        asked=rows.mean(decisions.asked.astype(np.float64)),
        prompt=prompt,
        decisions=decisions,
    )
