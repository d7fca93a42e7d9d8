"""Deleted requests, identified so that learning can recognize what it derived from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from route_switch.domain.learning.example import messages_of, query_key
from route_switch.domain.learning.redaction import forms
from route_switch.domain.learning.text_policy import as_demo, as_former_demo
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import query_of
from route_switch.domain.routing_prompt import RoutingPrompt


@dataclass(frozen=True, slots=True)
class DeletionNote:
    """A deleted request that learning may have seen, without its text. `keys` are digests
    (`query_key`) of its conversation and of the demos that it may have become."""

    request_id: str
    keys: frozenset[str] = frozenset()

    @classmethod
    def from_request(
        cls,
        request_id: str,
        text: str,
        conversation: Sequence[JsonObject],
        params: JsonObject,
        turn: Sequence[JsonObject] = (),
    ) -> Self:
        query = query_of(messages_of(text, conversation, turn), params)
        texts = forms(text)
        demos = (form(query, shown) for form in (as_demo, as_former_demo) for shown in texts)
        own = query_key(text, conversation, turn)
        return cls(request_id, frozenset((own, *map(query_key, demos))))


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
"""A user's requests are stored in so many parts, which are deleted one after the other."""


@dataclass(frozen=True, slots=True)
class UserRequest:
    """A request that may have to be deleted, and the part of its user's requests (0 to
    `USER_PARTS` - 1) that it is in."""

    request_id: str
    part: int = 0


@dataclass(frozen=True, slots=True)
class RemovedTexts:
    """`places` were removed from the learning bucket. The `pending` runs may still hold texts."""

    places: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


def keys_of_demos(prompt: RoutingPrompt) -> frozenset[str]:
    return frozenset(query_key(demo.query) for demo in prompt.demos)


def shows_any(prompt: RoutingPrompt, requests: Sequence[DeletionNote]) -> bool:
    """Whether any demo in the prompt is one of these requests."""
    shown = keys_of_demos(prompt)
    return any(shown & request.keys for request in requests)
