"""The constraint of a search: a prompt that is easier to steer is not evaluated."""

from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.steering_check import SteeringCheck
from route_switch.optimizer.steering_effort import ELSEWHERE, IN_THE_SEARCH

EASIER = "easier to steer than the current prompt"


class SteeringConstraint:
    """Return why a prompt must not be evaluated, or None. Each prompt is tried once.

    `start` is the prompt that the search starts from. With a provider's router LLM, an instruction
    is tried once, with the demos of `start` in place of its own. At most as many are tried as
    MIPROv2 proposes; later ones are evaluated without being tried.
    """

    def __init__(self, check: SteeringCheck, start: RoutingPrompt) -> None:
        self._check = check
        self._start = start
        self._known: dict[str, str | None] = {}

    def __call__(self, prompt: RoutingPrompt) -> str | None:
        in_process = self._check.in_process
        tried = prompt if in_process else self._with_demos_of_start(prompt)
        effort = IN_THE_SEARCH if in_process else ELSEWHERE
        if not in_process and len(self._known) >= self._check.most_prompts:
            return self._known.get(tried.version)
        if tried.version not in self._known:
            verdict = self._check.compare(tried, self._start, effort)
            self._known[tried.version] = None if verdict.why_worse is None else EASIER
        return self._known[tried.version]

    def _with_demos_of_start(self, prompt: RoutingPrompt) -> RoutingPrompt:
        return prompt.model_copy(update={"demos": self._start.demos})
