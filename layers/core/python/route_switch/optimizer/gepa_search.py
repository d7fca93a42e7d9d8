"""GEPA over the routing prompt: rewrite the instruction after reading the regret of its choices.

The incumbent's demos stay as they are. A search makes at most as many calls as MIPROv2's.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import dspy
from gepa.core.callbacks import CandidateRejectedEvent, ValsetEvaluatedEvent
from gepa.core.state import GEPAState

from route_switch.domain.learning.sides import Side
from route_switch.domain.prompts.size_limit import fits
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.program import RouteToTier
from route_switch.optimizer.prompt_search import SearchRecord, SearchSize, Trial
from route_switch.optimizer.reflection import Reflection
from route_switch.optimizer.regret import Regret, RegretMetric, examples_of
from route_switch.optimizer.search_session import SearchParts, search_session
from route_switch.optimizer.stop_switch import StopSwitch
from route_switch.optimizer.training import LabeledQuery

NO_BETTER = "no better on training queries than what it revises"
TOO_LONG = "too long for a prompt with the incumbent's demos"


@dataclass(frozen=True, slots=True)
class CallBudget:
    """What a search may call, and how many training queries each proposal is tested on.

    `minibatch` lets the router's calls last for all proposals if none is good enough to be
    evaluated on the validation rows; each that is good enough takes calls from later ones.
    """

    router_calls: int
    proposer_calls: int
    validation_rows: int
    minibatch: int

    @classmethod
    def of(cls, size: SearchSize, train_rows: int, validation_rows: int) -> Self:
        proposals = size.proposer_calls(train_rows)
        routed = size.router_calls(validation_rows)
        rows = math.ceil((routed - validation_rows) / (2 * proposals))
        return cls(routed, proposals, validation_rows, min(rows, train_rows))

    def allows(self, routed: int, proposed: int) -> bool:
        """Whether another proposal fits: two evaluations on a minibatch and one on all rows."""
        most = 2 * self.minibatch + self.validation_rows
        return routed + most <= self.router_calls and proposed < self.proposer_calls


class GepaSearch(SearchRecord):
    """Implements `PromptSearch`."""

    def __init__(self, parts: SearchParts) -> None:
        super().__init__(parts.on_trial)
        self._parts = parts

    def __call__(
        self,
        incumbent: RoutingPrompt,
        trainset: list[LabeledQuery],
        valset: list[LabeledQuery],
        size: SearchSize,
        seed: int,
    ) -> None:
        """Search. Raise `RunStoppedError` if stopped; the results so far are in `trials`."""
        parts, switch = self._parts, StopSwitch()
        regret = Regret(trainset, parts.tiers)
        metric = RegretMetric(trainset, valset, parts.tiers, parts.usd_weight, regret)
        reflection = Reflection(
            incumbent.instruction,
            regret,
            _Screening(incumbent, parts.why_rejected, parts.why_steered),
            self.rejected,
            size.view_data_batch_size,
            seed,
        )
        recorder = _Recorder(metric, incumbent, switch.guarded(self.record), self.rejected)
        budget = CallBudget.of(size, len(trainset), len(valset))
        optimizer = _gepa(parts, switch, metric, reflection, recorder, budget, seed)
        with search_session(parts, []), dspy.context(lm=parts.task_model), switch.watching():
            optimizer.compile(
                _StoppableRoute(incumbent, switch),
                trainset=examples_of(Side.TRAIN, trainset, parts.tiers),
                valset=examples_of(Side.VALIDATION, valset, parts.tiers),
            )


def _gepa(
    parts: SearchParts,
    switch: StopSwitch,
    metric: RegretMetric,
    reflection: Reflection,
    recorder: "_Recorder",
    budget: CallBudget,
    seed: int,
) -> dspy.GEPA:
    def is_spent(state: GEPAState[Any, Any]) -> bool:
        return not budget.allows(state.total_num_evals, reflection.asked)

    return dspy.GEPA(
        metric=switch.guarded(metric),
        max_metric_calls=budget.router_calls,
        reflection_minibatch_size=budget.minibatch,
        reflection_lm=parts.prompt_model,
        instruction_proposer=switch.guarded(reflection),
        skip_perfect_score=False,  # a reward has no perfect score
        use_merge=False,  # it combines predictors, and there is one
        num_threads=parts.threads,
        warn_on_score_mismatch=False,
        seed=seed,
        gepa_kwargs={"callbacks": [recorder], "stop_callbacks": [is_spent]},
    )


@dataclass(frozen=True, slots=True)
class _Screening:
    """Return why an instruction is rejected, or None. The incumbent's demos go with it."""

    incumbent: RoutingPrompt
    why_rejected: Callable[[str], str | None]
    why_steered: Callable[[RoutingPrompt], str | None]

    def __call__(self, instruction: str) -> str | None:
        reason = self.why_rejected(instruction)
        if reason is not None:
            return reason
        prompt = _prompt_with(self.incumbent, instruction)
        return self.why_steered(prompt) if fits(prompt) else TOO_LONG


def _prompt_with(incumbent: RoutingPrompt, instruction: str) -> RoutingPrompt:
    return RoutingPrompt(
        instruction=instruction, demos=incumbent.demos, messages=incumbent.messages
    )


class _StoppableRoute(RouteToTier):
    def __init__(self, prompt: RoutingPrompt, switch: StopSwitch) -> None:
        super().__init__(prompt)
        self._switch = switch

    def forward(self, query: str) -> dspy.Prediction:
        with self._switch.guard():
            return super().forward(query)


class _Recorder:
    """Receives GEPA's events: each prompt that was evaluated on all validation rows, and each
    revision that was not, because it did no better on training queries.

    GEPA logs an exception of a recorder and continues, so `record` has to be guarded.
    """

    def __init__(
        self,
        metric: RegretMetric,
        incumbent: RoutingPrompt,
        record: Callable[[Trial], None],
        rejected: Counter[str],
    ) -> None:
        self._metric = metric
        self._incumbent = incumbent
        self._record = record
        self._rejected = rejected

    def on_candidate_rejected(self, _: CandidateRejectedEvent) -> None:
        self._rejected[NO_BETTER] += 1

    def on_valset_evaluated(self, event: ValsetEvaluatedEvent) -> None:
        [instruction] = event["candidate"].values()
        score = round(100 * event["average_score"], 2)  # as DSPy's `Evaluate` rounds
        reward = self._metric.validation.mean_reward(score)
        self._record(Trial(_prompt_with(self._incumbent, instruction), reward))
