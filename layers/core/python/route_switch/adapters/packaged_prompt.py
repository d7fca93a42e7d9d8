"""The handwritten prompt that ships with every release."""

from importlib.resources import files

from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.routing_prompt import RoutingPrompt


def packaged_prompt() -> RoutingPrompt:
    document = files("route_switch").joinpath("data/hand_written.md").read_text("utf-8")
    return parse_prompt(document)
