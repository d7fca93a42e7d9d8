"""What the front matter of a prompt claims that a learning run found.

The history, the console and the drift check show or use it. So a document that a person publishes
may claim only what a stored version or a run's candidate claims, all of it and unchanged.
"""

from collections.abc import Iterable

from route_switch.domain.errors import UnprovenEvidenceError
from route_switch.domain.prompts.verdict_scope import CONTENT
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt

HAND_WRITTEN = "hand-written"
OWN_KEYS = ("author", "note")
"""What a person may state, in any words."""


def evidence_in(provenance: Provenance) -> Provenance:
    """Return the entries that a person may not state, except by keeping them."""
    return {
        name: value
        for name, value in provenance.items()
        if name not in OWN_KEYS and (name, value) != ("origin", HAND_WRITTEN)
    }


def is_edited(prompt: RoutingPrompt) -> bool:
    """Return whether a run's findings are about another text: a person edited the prompt and kept
    its front matter. An old release named no text."""
    return prompt.provenance.get(CONTENT, prompt.version) != prompt.version


def evidence_about(prompt: RoutingPrompt) -> Provenance:
    """Return what a run stated about exactly this text."""
    return {} if is_edited(prompt) else prompt.provenance


def stated_origin(prompt: RoutingPrompt) -> str | None:
    """Return what the prompt says of its origin, and whether somebody edited it since."""
    origin = prompt.provenance.get("origin")
    if origin is None:
        return None
    return f"{origin}, edited since" if is_edited(prompt) else str(origin)


def check_evidence(prompt: RoutingPrompt, known: Iterable[Provenance]) -> None:
    """Raise `UnprovenEvidenceError` if the prompt claims what none of the `known` claims. They are
    read only as far as needed."""
    stated = evidence_in(prompt.provenance)
    if not stated:
        return
    nearest = sorted(stated)
    for each in known:
        differing = _differing(stated, evidence_in(each))
        if not differing:
            return
        nearest = min(nearest, differing, key=len)
    raise UnprovenEvidenceError(nearest)


def _differing(stated: Provenance, known: Provenance) -> list[str]:
    """Return the names of the entries that are changed, added or missing."""
    return sorted(n for n in stated.keys() | known.keys() if stated.get(n) != known.get(n))
