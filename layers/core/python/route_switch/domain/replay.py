"""Which requests learning may replay, and how."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query
from route_switch.domain.request_record import NotReplayable, Replay

NOT_REPLAYED = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "store", "user"})
"""Fields that identify the caller or control storage. They do not shape the answer, and learning
must not see them."""


def replay_of(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue], query: Query
) -> Replay | NotReplayable:
    """Return how to replay a request, or why it cannot be replayed. `query` is the query in
    `messages`: the last user message, which must also be the last message."""
    if query.has_attachments:
        return NotReplayable.ATTACHMENTS
    if not query.text.strip():
        return NotReplayable.EMPTY
    if messages[-1].get("role") != "user":
        return NotReplayable.CONTINUED
    return Replay(
        conversation=tuple(messages[:-1]),
        params={name: value for name, value in params.items() if name not in NOT_REPLAYED},
    )
