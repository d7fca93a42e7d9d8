"""Room in the artifact: which prompts learning may start from, and which it may propose."""

import inspect

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import MAX_BYTES, RoutingPrompt

PROVENANCE_BYTES = 1200
"""Kept free in the artifact for what a run writes about itself."""


def fits(prompt: RoutingPrompt) -> bool:
    """Whether Parameter Store will hold the prompt, provenance included."""
    return len(to_markdown(prompt).encode()) <= MAX_BYTES - PROVENANCE_BYTES


def check_start(incumbent: RoutingPrompt) -> None:
    """Raises `ConfigurationError` for an incumbent that leaves a run no room for its own notes."""
    if not fits(incumbent):
        raise ConfigurationError(
            "The incumbent prompt is too long to start from: what a run adds about itself would "
            "not fit Parameter Store any more. Shorten it by about 1,200 bytes."
        )
    if inspect.cleandoc(incumbent.instruction) != incumbent.instruction:
        raise ConfigurationError(
            "The incumbent's instruction holds tabs, or blanks at its margins, which DSPy would "
            "take out: what is measured would not be the incumbent. Take them out yourself."
        )
