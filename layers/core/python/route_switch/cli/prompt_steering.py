"""The steering score of a version of the routing prompt, for `route-switch prompt show`."""

from route_switch.adapters.steering_strings import packaged_score
from route_switch.domain.plain_text import visible
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.prompts.steering_figures import SteeringFigures, in_words, known_score

NOT_MEASURED = (
    "Steering: not measured; run `route-switch steering` on this text: `route-switch prompt show > "
    "prompt.md`, then `route-switch steering --prompt prompt.md`."
)


def steering_lines(document: str) -> tuple[str, ...]:
    figures = _figures(document)
    return (NOT_MEASURED,) if figures is None else tuple(map(visible, in_words(figures)))


def steering_facts(document: str) -> JsonObject | None:
    figures = _figures(document)
    return None if figures is None else figures.model_dump(mode="json")


def _figures(document: str) -> SteeringFigures | None:
    prompt = readable_prompt(document)
    return None if prompt is None else known_score(prompt, packaged_score())
