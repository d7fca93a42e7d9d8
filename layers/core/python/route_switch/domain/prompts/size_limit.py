"""Size limits: which prompts learning may start from and propose."""

import inspect

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.profiles import ONE_TIER
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import MAX_BYTES, RoutingPrompt

PROVENANCE_BYTES = 1640
"""Reserved in the artifact for what a run records about itself."""


def fits(prompt: RoutingPrompt) -> bool:
    """Whether the prompt fits Parameter Store, with its provenance and tables of profiles."""
    whole = prompt.model_copy(update={"profiles": prompt.profiles or ONE_TIER})
    return len(to_markdown(whole).encode()) <= MAX_BYTES - PROVENANCE_BYTES


def check_start(incumbent: RoutingPrompt) -> None:
    """Raise `ConfigurationError` for an incumbent that leaves no room for a run's provenance."""
    if not fits(incumbent):
        raise ConfigurationError(
            "The incumbent prompt is too long: a run adds about 1,600 bytes of provenance, and the "
            "result would not fit Parameter Store. Shorten the prompt by that much."
        )
    if inspect.cleandoc(incumbent.instruction) != incumbent.instruction:
        raise ConfigurationError(
            "The incumbent's instruction contains tabs, or blanks at its margins. DSPy strips "
            "them, so the run would measure a different prompt. Remove them first."
        )
