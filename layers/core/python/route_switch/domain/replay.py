"""Which requests learning may replay, and how."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query, text_of
from route_switch.domain.request_record import NotReplayable, Replay

NOT_REPLAYED = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "store", "user"})
"""Fields that identify the caller or control storage. They do not shape the answer, and learning
must not see them."""

TRANSPORT = frozenset(
    {"stream", "stream_options", "background", "timeout", "num_retries", "api_key", "api_base"}
    | {"base_url", "api_version", "extra_headers", "extra_query", "extra_body", "headers"}
    | {"model", "messages"}
)
"""Fields of a logged call that say how it was sent, to which model, and with what: they are not
parameters of the answer."""

TEXT_PARTS = ("text", "refusal", "input_text", "output_text")
"""Types of content parts that are not attachments."""

MAX_REPLAY_BYTES = 1_000_000
"""The most bytes of messages and parameters: a run holds thousands of examples in memory."""

Parts = tuple[str, tuple[JsonObject, ...], tuple[JsonObject, ...]]
"""The query's text, the messages before it, and those from it on if they are more than its text."""


def replay_of(
    messages: Sequence[JsonObject],
    params: Mapping[str, JsonValue],
    query: Query,
    answer: JsonObject | None = None,
) -> Replay | NotReplayable:
    """Return how to replay a request, or why it cannot be replayed. `query` is the query in
    `messages`: the last user message. `answer` is the message that answered it."""
    parts = parts_of(messages)
    if parts is None or not (query.text.strip() or has_attachment(parts)):
        return NotReplayable.EMPTY
    if messages[-1].get("role") == "assistant":
        return NotReplayable.CONTINUED
    replayed = replayed_params(params)
    if _size([*messages, replayed]) > MAX_REPLAY_BYTES:
        return NotReplayable.TOO_LARGE
    _, conversation, turn = parts
    return Replay(conversation, replayed, turn, tool_calls_of(answer or {}))


def parts_of(messages: Sequence[JsonObject]) -> Parts | None:
    """Divide messages at the last user message; None if there is no message of a user."""
    places = (i for i in reversed(range(len(messages))) if messages[i].get("role") == "user")
    last = next(places, None)
    if last is None:
        return None
    conversation, turn = tuple(messages[:last]), tuple(messages[last:])
    return text_of(turn[0]), conversation, () if len(turn) == 1 and _is_plain(turn[0]) else turn


def has_attachment(parts: Parts) -> bool:
    """Whether the query's own message has more than text."""
    _, _, turn = parts
    content = turn[0].get("content") if turn else None
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") not in TEXT_PARTS for part in content
    )


def tool_calls_of(message: JsonObject) -> tuple[JsonObject, ...]:
    """Return the tool calls of an assistant message, and a call in the older `function_call`."""
    calls = message.get("tool_calls")
    found = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    older = message.get("function_call")
    if isinstance(older, dict):
        found.append({"type": "function", "function": older})
    return tuple(found)


def offers_tools(params: Mapping[str, JsonValue]) -> bool:
    return bool(params.get("tools") or params.get("functions"))


def replayed_params(params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the parameters that a replay sends."""
    left_out = NOT_REPLAYED | TRANSPORT
    return {name: value for name, value in params.items() if name not in left_out}


def _is_plain(message: JsonObject) -> bool:
    """Whether a message is nothing but its text."""
    content = message.get("content")
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        content = content[0].get("text") if content[0].keys() == {"type", "text"} else None
    return isinstance(content, str) and message.keys() == {"role", "content"}


def _size(values: Iterable[JsonValue]) -> int:
    """Return the bytes of all texts in JSON values, without writing the JSON."""
    size, left = 0, list(values)
    while left:
        match left.pop():
            case str() as text:
                size += len(text) if text.isascii() else len(text.encode(errors="replace"))
            case list() as items:
                left += items
            case dict() as fields:
                size += sum(map(len, fields))
                left += fields.values()
    return size
