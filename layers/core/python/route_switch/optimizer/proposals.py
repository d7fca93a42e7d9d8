"""Decide which proposals may become an instruction."""

from dataclasses import dataclass

from route_switch.domain.errors import PromptError
from route_switch.domain.learning.text_policy import UserText, unsafe
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.prompts.readability import why_unreadable
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

MAX_BYTES = 4000
"""Leaves room for demos within Parameter Store's limit."""


@dataclass(frozen=True, slots=True)
class Screening:
    """Return why an instruction is rejected, without quoting it, or None if it is accepted."""

    incumbent: RoutingPrompt
    tiers: tuple[Tier, ...]
    user_text: UserText

    def __call__(self, instruction: str) -> str | None:
        if not instruction.strip():
            return "empty"
        if len(instruction.encode()) > MAX_BYTES:
            return f"longer than {MAX_BYTES} bytes"
        prompt = self.incumbent.model_copy(update={"instruction": instruction, "demos": ()})
        if any(tier not in prompt.criteria for tier in self.tiers):
            return "no bulleted list of criteria for some tier"
        if self.user_text.is_quoted_in(instruction):
            return "quotes a user's text"
        try:
            to_markdown(prompt)
        except PromptError:
            return "cannot be written as Markdown"
        known = [criterion for own in self.incumbent.criteria.values() for criterion in own]
        return unsafe(instruction) or why_unreadable(prompt, known)
