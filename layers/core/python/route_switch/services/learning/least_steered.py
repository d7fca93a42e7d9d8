"""The recent version of the prompt that texts around a query move least, by the versions' own
scores.

A candidate is compared with it as well as with the current prompt: the prompt that was live then
does not change from week to week, so small steps do not add up.
"""

from collections.abc import Iterator

from route_switch.domain.ports import PromptStore, StoredPrompt
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.prompts.steering_figures import NO_ROUTER, SteeringFigures, steering_of
from route_switch.domain.routing_prompt import RoutingPrompt

VERSIONS = 26
"""About half a year, if every weekly run is promoted."""


def least_steered(prompts: PromptStore, live: StoredPrompt, router: str) -> RoutingPrompt | None:
    """Return it, or None if none of the `VERSIONS` before `live` has a score with this router
    model."""
    scored = [
        (figures, prompt)
        for prompt in _before(prompts, live)
        if (figures := steering_of(prompt)) and figures.router in {router, NO_ROUTER}
    ]
    return min(scored, key=lambda each: _moved(each[0]), default=(None, None))[1]


def _before(prompts: PromptStore, live: StoredPrompt) -> Iterator[RoutingPrompt]:
    """Yield the readable prompts, the newest first."""
    for version in range(live.version - 1, max(live.version - 1 - VERSIONS, 0), -1):
        stored = prompts.read_live(version)
        prompt = None if stored is None else readable_prompt(stored.document)
        if prompt is not None:
            yield prompt


def _moved(figures: SteeringFigures) -> float:
    """Return the mean shares of both directions together. A direction in which no query could be
    moved is left out."""
    return sum(each.mean for each in (figures.up, figures.down) if each is not None)
