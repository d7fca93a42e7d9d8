"""What every document must satisfy before it goes live."""

from route_switch.domain.errors import PromptError
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.prompts.unseen_characters import unseen_character_in
from route_switch.domain.routing_prompt import MAX_BYTES, RoutingPrompt
from route_switch.domain.tiers import Tier


def parse_to_publish(document: str) -> RoutingPrompt:
    """Parse a document that is to go live. Report an invisible character before the parser finds
    another problem. Raise `PromptError`."""
    _check_characters(document)
    return parse_prompt(document)


def check_may_go_live(prompt: RoutingPrompt, document: str) -> None:
    """Raise `PromptError` unless each tier has criteria, every character can be seen, and Parameter
    Store can hold `document`."""
    missing = [tier.value for tier in Tier if tier not in prompt.criteria]
    if missing:
        raise PromptError(
            f"The instruction has no bulleted list of criteria for tier {missing[0]}. Write a line "
            f"that names the tier (such as 'Tier {missing[0]}: …') and '- ' lines below it."
        )
    size = len(document.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise PromptError(
            f"The prompt is {size} bytes long and Parameter Store holds {MAX_BYTES}. "
            "Shorten the criteria or remove demos."
        )
    if "{{" in document:
        raise PromptError(
            "The prompt contains '{{', which Parameter Store refuses as a reference. "
            "Write it with a space between the braces."
        )
    _check_characters(document, prompt.without_numbers.model_dump())


def _check_characters(document: str, content: object = "") -> None:
    found = unseen_character_in(document, content)
    if found is not None:
        raise PromptError(
            f"The prompt contains {found}, which is invisible. Remove it, or retype the line."
        )
