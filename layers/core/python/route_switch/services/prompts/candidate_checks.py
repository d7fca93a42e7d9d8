"""What a candidate must show before it replaces the live prompt."""

from route_switch.domain.errors import PromptConflictError, PromptError
from route_switch.domain.ports import StoredPrompt
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.prompts.verdict_scope import Scope, differences
from route_switch.domain.routing_prompt import RoutingPrompt


def check_candidate(candidate: RoutingPrompt, live: StoredPrompt) -> None:
    """Raise unless the provenance says that the candidate was compared with the live prompt and
    found better."""
    incumbent, verdict = (candidate.provenance.get(key) for key in ("incumbent", "verdict"))
    live_prompt = readable_prompt(live.document)
    digest = None if live_prompt is None else live_prompt.version
    if incumbent is None or incumbent != digest:
        compared = "no incumbent" if incumbent is None else f"prompt {incumbent}"
        raise PromptConflictError(
            f"The candidate was compared with {compared}, but version {live.version} is live: "
            f"{digest or 'a broken prompt'}. Optimize again from the live prompt, or promote with "
            "--force."
        )
    if verdict != "better":
        found = "has no verdict" if verdict is None else f"has the verdict '{verdict}'"
        raise PromptError(
            f"The candidate {found}, and only 'better' may go live. See its report for the reason. "
            "Gather more examples and optimize again, or promote with --force."
        )


def check_scope(candidate: RoutingPrompt, current: Scope) -> None:
    """Raise unless the verdict is about exactly this content and what it would serve with."""
    found = differences(candidate, current)
    if found:
        raise PromptConflictError(
            f"The candidate's verdict is about something else: {'; '.join(found)}. Optimize again "
            "with what the stage uses, or promote with --force."
        )


def check_approval(candidate: RoutingPrompt, approved: bool) -> None:
    if "needs_approval" in candidate.provenance and not approved:
        raise PromptError(
            f"The candidate needs a person's approval: {candidate.provenance['needs_approval']} "
            "Read its report. To approve, promote it with --approve."
        )
