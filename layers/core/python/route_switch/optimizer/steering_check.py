"""Try prompts of a run with the packaged steering strings, around queries of its train rows."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from route_switch.domain.errors import BudgetReachedError, RunStoppedError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.steering_gate import (
    RouteTexts,
    SteeringVerdict,
    compare_steering,
    steering_alone,
)
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.steering_figures import NO_ROUTER, SteeringFigures
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.steering import score_steering
from route_switch.domain.strategies.registry import strategy_in_effect
from route_switch.domain.tiers import Tier
from route_switch.optimizer.findings import Findings, MeasuredSteering
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.steering_effort import (
    Effort,
    effort_before_the_look,
    effort_of,
    runs_in_process,
)
from route_switch.services.learning.paid_calls import PaidCalls, Purpose, Reply
from route_switch.services.learning.route_examples import RouteExamples

CURRENT = "the current one"
LEAST_STEERED = "the least steered of the last ones"
"""Names of the prompts that a candidate is compared with."""

NO_MONEY = (
    "the cap left no money to find out whether texts around a query steer the new prompt more "
    "easily than the current one"
)
TOO_FEW = (
    "too few queries were sent to Tier 1 or Tier 3 to find out whether texts around a query steer "
    "the new prompt more easily than the current one"
)


class SteeringCheck:
    """Tries prompts around queries of `train`. All router calls go through `calls`; the same call
    is paid once."""

    def __init__(self, plan: Plan, calls: PaidCalls, train: Sequence[Example]) -> None:
        self._plan = plan
        self._calls = _UntilStopped(calls)
        self._queries = [row.query for row in train if _is_plain(row)]
        self._tiers: dict[str, dict[str, Tier]] = {}
        self.in_process = runs_in_process(plan.config.models.router)
        self.most_prompts = plan.rounds * plan.size.candidates
        self._effort = effort_of(plan.config.models.router)
        self._before_the_look = effort_before_the_look(plan.config.models.router)

    def measure(self, prompt: RoutingPrompt) -> SteeringFigures:
        effort = self._effort
        queries = self._queries[: effort.rows]
        score = score_steering(effort.strings, queries, self._route(prompt), effort.queries)
        decides = strategy_in_effect(self._plan.config, prompt)
        router = NO_ROUTER if decides == "local" else self._plan.config.models.router
        return SteeringFigures.of(score, prompt, router)

    def compare(
        self,
        candidate: RoutingPrompt,
        incumbent: RoutingPrompt,
        effort: Effort | None = None,
        name: str = CURRENT,
    ) -> SteeringVerdict:
        """Compare as `compare_steering` does, by default with the effort before the look."""
        if candidate.version == incumbent.version:
            return SteeringVerdict(None)
        effort = effort or self._before_the_look
        routes = self._route(candidate), self._route(incumbent)
        queries = self._queries[: effort.rows]
        return compare_steering(effort.strings, queries, *routes, effort.queries, name)

    def alone(self, prompt: RoutingPrompt) -> SteeringVerdict:
        effort = self._before_the_look
        queries = self._queries[: effort.rows]
        return steering_alone(effort.strings, queries, self._route(prompt), effort.queries)

    def _route(self, prompt: RoutingPrompt) -> RouteTexts:
        """Route without the bypass: it would hide what the strings do to short queries."""
        plan = self._plan
        config = plan.config.model_copy(update={"bypass_tokens": 0})
        route = RouteExamples(config, self._calls, frozenset(plan.models))
        unbypassed = prompt.model_copy(update={"bypass_tokens": 0})

        tiers = self._tiers.setdefault(prompt.version, {})

        def tiers_of(texts: Sequence[str]) -> Sequence[Tier]:
            rows = [Example(query=text) for text in dict.fromkeys(texts) if text not in tiers]
            routed = route(rows, unbypassed, plan.threads)
            tiers.update((row.query, each.tier) for row, each in zip(rows, routed, strict=True))
            return [tiers[text] for text in texts]

        return tiers_of


class _UntilStopped:
    """`PaidCalls` that asks for nothing more once the run is stopped: queued calls of other threads
    would be started, and counted, for nothing."""

    def __init__(self, calls: PaidCalls) -> None:
        self._calls = calls
        self._stopped_by: RunStoppedError | None = None

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        if self._stopped_by is not None:
            raise self._stopped_by
        try:
            return self._calls(name, messages, params, purpose, about=about)
        except RunStoppedError as stop:
            self._stopped_by = stop
            raise


class SteeringBeforeTheLook:
    """Says why a prompt is easier to steer than the current one, or than the least steered of the
    last ones. Without the latter, a prompt could become easier to steer each week by less than a
    comparison can see. `unknown` has the prompts that could not be compared, by version, with the
    reason."""

    def __init__(
        self, check: SteeringCheck, incumbent: RoutingPrompt, least_steered: RoutingPrompt | None
    ) -> None:
        self._check = check
        self._others = {CURRENT: incumbent}
        if least_steered is not None:
            self._others[LEAST_STEERED] = least_steered
        self.unknown: dict[str, str] = {}

    def __call__(self, prompt: RoutingPrompt) -> str | None:
        try:
            verdicts = [
                self._check.compare(prompt, other, name=name)
                for name, other in self._others.items()
            ]
            if not any(verdict.is_known for verdict in verdicts):
                self._look_alone(prompt)
        except BudgetReachedError:
            self.unknown[prompt.version] = NO_MONEY
            return None
        return next((each.why_worse for each in verdicts if each.why_worse is not None), None)

    def _look_alone(self, prompt: RoutingPrompt) -> None:
        """Judge a prompt alone: with too few common queries, a prompt that nothing moves may still
        go live."""
        alone = self._check.alone(prompt)
        if alone.why_worse is not None:
            self.unknown[prompt.version] = f"{TOO_FEW}, and {alone.why_worse}"
        elif not alone.is_known:
            self.unknown[prompt.version] = TOO_FEW


def measure_steering(check: SteeringCheck, found: Findings) -> MeasuredSteering | None:
    """Score the incumbent, and what the run proposes or refused to propose. Return None if the cap
    leaves no money for it."""
    choice, proposed = found.choice, found.candidate
    if choice is not None and choice.why_refused is not None:
        proposed = choice.estimates[choice.chosen].prompt
    try:
        return MeasuredSteering(check.measure(proposed), check.measure(found.incumbent))
    except BudgetReachedError:
        return None


def _is_plain(row: Example) -> bool:
    return not row.conversation and not row.turn and not row.says_nothing
