"""Which requests learning may replay, and how."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query
from route_switch.domain.request_record import NotReplayable, Replay

NOT_REPLAYED = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "store", "user"})
"""Fields that identify the caller or control storage. They do not shape the answer, and learning
must not see them."""

TRANSPORT = frozenset(
    {"stream", "stream_options", "background", "timeout", "num_retries", "api_key", "api_base"}
    | {"base_url", "api_version", "extra_headers", "extra_query", "extra_body", "headers"}
    | {"model", "messages"}
)
"""Fields of a logged call that say how it was sent, to which model, and with what: they are no
parameters of the answer."""


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
        params=replayed_params(params),
    )


def replayed_params(params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the parameters that a replay sends."""
    left_out = NOT_REPLAYED | TRANSPORT
    return {name: value for name, value in params.items() if name not in left_out}
