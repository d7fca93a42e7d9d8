"""How many texts and queries are tried to find out how easily prompts are steered."""

from dataclasses import dataclass

from route_switch.adapters.steering_strings import packaged_strings
from route_switch.domain.learning.steering_gate import asked_plain
from route_switch.domain.providers import IN_PROCESS, provider_of
from route_switch.domain.steering import SteeringString, spread


@dataclass(frozen=True, slots=True)
class Effort:
    """How many texts are tried in each direction, with how many queries of the first `rows` train
    rows, and how many harmless texts."""

    texts: int
    queries: int
    rows: int
    controls: int = 0

    @property
    def strings(self) -> tuple[SteeringString, ...]:
        return spread(packaged_strings(), self.texts, self.controls)

    @property
    def compare_calls(self) -> int:
        """The most router calls with a prompt to compare it with another one."""
        return 2 * asked_plain(self.queries) + 2 * self.texts * self.queries

    @property
    def reference_calls(self) -> int:
        """The most router calls with the prompt that others are compared with."""
        return self.rows + 2 * self.texts * asked_plain(self.queries)

    @property
    def measure_calls(self) -> int:
        """The most router calls that scoring a prompt takes."""
        return self.rows + 2 * (self.texts + self.controls) * self.queries


IN_THE_RUN = Effort(texts=12, queries=24, rows=160, controls=3)
IN_THE_SEARCH = Effort(texts=4, queries=12, rows=160)
ELSEWHERE = Effort(texts=3, queries=8, rows=40, controls=1)
"""The effort for a provider's router LLM, whose calls cost money or time: in the search, and for
scores."""
BEFORE_THE_LOOK = Effort(texts=4, queries=16, rows=80)
"""The same, for what may go live: few prompts, and the last time that anything is refused."""


def runs_in_process(router: str) -> bool:
    return provider_of(router) in IN_PROCESS


def effort_of(router: str) -> Effort:
    return IN_THE_RUN if runs_in_process(router) else ELSEWHERE


def effort_before_the_look(router: str) -> Effort:
    return IN_THE_RUN if runs_in_process(router) else BEFORE_THE_LOOK


def steering_calls(router: str, prompts: int) -> int:
    """Return the most router calls that a run spends on steering if its search tries so many
    prompts: 0 for a router in the process, whose calls cost nothing."""
    if runs_in_process(router):
        return 0
    in_the_search = prompts * ELSEWHERE.compare_calls + (
        ELSEWHERE.reference_calls if prompts else 0
    )
    return in_the_search + calls_to_compare(router) + calls_to_score(router)


def calls_to_compare(router: str) -> int:
    """Return the most router calls before the look. Two strategies ask the router LLM, and each is
    compared with the current prompt and with the least steered of the last ones."""
    effort = BEFORE_THE_LOOK
    calls = 2 * 2 * effort.compare_calls + 2 * effort.reference_calls
    return 0 if runs_in_process(router) else calls


def calls_to_score(router: str) -> int:
    """Return the most router calls that scoring the candidate and the incumbent takes."""
    return 0 if runs_in_process(router) else 2 * ELSEWHERE.measure_calls
