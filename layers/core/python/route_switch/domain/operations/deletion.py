"""Deleted requests, identified so that learning can recognize what it derived from them.

Equal texts may come from several clients, so a text alone does not say whose it is. A demo has
*claims*: the clients whose requests it was taken from, each with the time of the run that last took
it. A deletion withdraws the claim of its own client and no other. The demo has to go when no claim
is left. A demo that the owner gave is claimed by `OWNER`, whose claim no deletion withdraws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from route_switch.domain.learning.example import messages_of, query_key
from route_switch.domain.learning.redaction import forms
from route_switch.domain.learning.text_policy import as_demo, as_former_demo
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.stated_evidence import HAND_WRITTEN
from route_switch.domain.query import query_of
from route_switch.domain.routing_prompt import RoutingPrompt

OWNER = ""
"""Claims what is in the seed file or in a prompt that a person wrote."""

Claims = Mapping[str, Mapping[str, float]]
"""The clients (`domain.clients`) of each demo, by its digest, each with the time (UNIX) of the run
that took the demo from one of the client's requests."""


@dataclass(frozen=True, slots=True)
class DeletionNote:
    """A deleted request that learning may have seen, without its text. `keys` are digests
    (`query_key`) of the demos that it may have become, and of its conversation, by which earlier
    versions know it. `client` sent it; None in notes of earlier versions. `at` is when it was
    deleted (UNIX)."""

    request_id: str
    keys: frozenset[str] = frozenset()
    client: str | None = None
    at: float = 0.0

    @classmethod
    def from_request(
        cls,
        request_id: str,
        text: str,
        conversation: Sequence[JsonObject],
        params: JsonObject,
        turn: Sequence[JsonObject] = (),
        client: str | None = None,
        at: float = 0.0,
    ) -> Self:
        query = query_of(messages_of(text, conversation, turn), params)
        texts = forms(text)
        demos = (form(query, shown) for form in (as_demo, as_former_demo) for shown in texts)
        own = query_key(text, conversation, turn)
        return cls(request_id, frozenset((own, *map(query_key, demos))), client, at)

    def withdraws(self, client: str, since: float) -> bool:
        """Whether it withdraws a claim to one of its `keys`. A client that asked again, and whose
        request was taken after the deletion, has a new claim."""
        return client != OWNER and self.client in (None, client) and self.at >= since


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """What deletion needs to know about a request. `note` is None when learning could never
    use the request. `session_id` names the state of its session, if it has one."""

    request_id: str
    key_id: str
    created_at: datetime
    idempotency_id: str | None
    note: DeletionNote | None
    session_id: str | None = None


USER_PARTS = 16
"""A user's requests are stored in this many parts, which are deleted one after the other."""


@dataclass(frozen=True, slots=True)
class UserRequest:
    """A request that may have to be deleted, and the part of its user's requests (0 to
    `USER_PARTS` - 1) that it is in."""

    request_id: str
    part: int = 0


@dataclass(frozen=True, slots=True)
class RemovedTexts:
    """`places` were removed from the learning bucket. The `pending` runs may still hold texts.
    `demos` are digests of those to which the requests' clients had a claim until now."""

    places: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    demos: frozenset[str] = frozenset()


def keys_of_demos(prompt: RoutingPrompt) -> frozenset[str]:
    return frozenset(query_key(demo.query) for demo in prompt.demos)


def shows_any(prompt: RoutingPrompt, keys: frozenset[str]) -> bool:
    """Whether any demo in the prompt has one of these digests."""
    return not keys.isdisjoint(keys_of_demos(prompt))


def withdrawn_demos(
    prompt: RoutingPrompt, claims: Claims, notes: Sequence[DeletionNote]
) -> frozenset[str]:
    """Return the digests of the prompt's demos that have to go. A demo without any claim was
    learned by an earlier version: its text alone decides, because its clients are unknown."""
    if prompt.provenance.get("origin") == HAND_WRITTEN:
        return frozenset()
    return frozenset(key for key in keys_of_demos(prompt) if _is_withdrawn(key, claims, notes))


def _is_withdrawn(key: str, claims: Claims, notes: Sequence[DeletionNote]) -> bool:
    if key in claims:
        return not _left(key, claims[key], notes)
    return any(key in note.keys for note in notes)


def without_withdrawn(claims: Claims, notes: Sequence[DeletionNote]) -> Claims:
    """Return the claims that are left. A demo that has lost all of them stays known."""
    return {key: _left(key, each, notes) for key, each in claims.items()}


def _left(key: str, claims: Mapping[str, float], notes: Sequence[DeletionNote]) -> dict[str, float]:
    about = [note for note in notes if key in note.keys]
    return {
        client: since
        for client, since in claims.items()
        if not any(note.withdraws(client, since) for note in about)
    }


def without_demos(prompt: RoutingPrompt, keys: frozenset[str]) -> RoutingPrompt:
    """Return the prompt itself if it has none of these demos."""
    if not shows_any(prompt, keys):
        return prompt
    kept = tuple(demo for demo in prompt.demos if query_key(demo.query) not in keys)
    return prompt.model_copy(update={"demos": kept})
