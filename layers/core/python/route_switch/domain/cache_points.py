"""Cache points: where a provider may keep what it has read of a request.

`"cache_control": {"type": "ephemeral"}` on a content part, a message or a tool is such a point. It
is Anthropic's field, and what OpenAI-shaped clients send for their models as well. A provider reads
tools first, then system messages, then the others; a point keeps all that comes before it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import JsonValue

from route_switch.domain.conversation import INSTRUCTING, text_of
from route_switch.domain.ports import JsonObject
from route_switch.domain.tokens import estimate_tokens

MARK = "cache_control"
POINT: JsonObject = {"type": "ephemeral"}
MAX_POINTS = 4
"""Anthropic and Bedrock refuse a request with more."""

CachePoints = Literal["off", "auto"]
Messages = tuple[JsonObject, ...]
Params = dict[str, JsonValue]


def has_points(messages: Sequence[JsonObject], params: Mapping[str, JsonValue]) -> bool:
    return MARK in params or any(True for _ in _points(messages, params))


def points_of(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue]
) -> Iterator[JsonObject]:
    """Yield the points themselves."""
    for holder in (params, *_points(messages, params)):
        for each in (holder, holder.get("function")):
            point = each.get(MARK) if isinstance(each, Mapping) else None
            if isinstance(point, dict):
                yield point


def asks_for_an_hour(messages: Sequence[JsonObject], params: Mapping[str, JsonValue]) -> bool:
    """Whether a point asks the provider to keep for an hour what it has read."""
    return any(point.get("ttl") == "1h" for point in points_of(messages, params))


def without_points(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue]
) -> tuple[Messages, Params]:
    """Return the request without cache points."""
    return _with_last_points(messages, {k: v for k, v in params.items() if k != MARK}, 0)


def at_most_four(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue]
) -> tuple[Messages, Params]:
    """Leave out the first points of a request with too many: the later ones keep the same text."""
    if sum(1 for _ in _points(messages, params)) <= MAX_POINTS:
        return tuple(messages), dict(params)
    return _with_last_points(messages, params, MAX_POINTS)


def with_points(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue], least: int
) -> tuple[Messages, Params]:
    """Set points after the tools and after the system messages at the beginning, if there are at
    least `least` tokens before each."""
    marked, changed = list(messages), dict(params)
    tools = params.get("tools")
    tokens = _tool_tokens(params)
    if tokens >= least and isinstance(tools, list) and tools and isinstance(tools[-1], dict):
        changed["tools"] = [*tools[:-1], {**tools[-1], MARK: POINT}]
    count = _leading_system_messages(messages)
    if count and fixed_tokens(messages, params) >= least:
        marked[count - 1] = _marked(messages[count - 1])
    return tuple(marked), changed


def fixed_tokens(messages: Sequence[JsonObject], params: Mapping[str, JsonValue]) -> int:
    """Return the tokens of tools and of the system messages at the beginning, which a conversation
    does not add to."""
    leading = messages[: _leading_system_messages(messages)]
    return _tool_tokens(params) + sum(estimate_tokens(text_of(message)) for message in leading)


def marks_conversation(messages: Sequence[JsonObject], params: Mapping[str, JsonValue]) -> bool:
    """Whether a point comes after tools and system messages, so that the conversation is kept."""
    behind = messages[_leading_system_messages(messages) :]
    return MARK in params or any(True for _ in _points(behind, {}))


def with_prefix_point(messages: Sequence[JsonObject], least: int | None) -> Messages:
    """Set a point before the last message, if a provider caches a prefix of that length on
    request: `least` is None if it does not."""
    before = messages[:-1]
    if least is None or sum(estimate_tokens(text_of(m)) for m in before) < least:
        return tuple(messages)
    return (*before[:-1], _marked(before[-1]), *messages[-1:])


def _tool_tokens(params: Mapping[str, JsonValue]) -> int:
    tools = params.get("tools")
    if not isinstance(tools, list) or not tools:
        return 0
    return estimate_tokens(json.dumps(tools, ensure_ascii=False))


def _leading_system_messages(messages: Sequence[JsonObject]) -> int:
    others = (n for n, message in enumerate(messages) if message.get("role") not in INSTRUCTING)
    return next(others, len(messages))


def _marked(message: JsonObject) -> JsonObject:
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": [{"type": "text", "text": content, MARK: POINT}]}
    if isinstance(content, list) and content and isinstance(content[-1], dict):
        return {**message, "content": [*content[:-1], {**content[-1], MARK: POINT}]}
    return message


def _points(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue]
) -> Iterator[Mapping[str, JsonValue]]:
    """Yield what has a point, in the order in which providers read it."""
    tools = params.get("tools")
    holders: list[JsonValue] = [*tools] if isinstance(tools, list) else []
    for message in messages:
        content = message.get("content")
        holders += [*content, message] if isinstance(content, list) else [message]
    for holder in holders:
        if isinstance(holder, dict):
            function = holder.get("function")
            if MARK in holder or (isinstance(function, dict) and MARK in function):
                yield holder


def _with_last_points(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue], kept: int
) -> tuple[Messages, Params]:
    """Return the request with its last `kept` points only."""
    every = [id(holder) for holder in _points(messages, params)]
    dropped = set(every[: len(every) - kept])
    changed, tools = dict(params), params.get("tools")
    if isinstance(tools, list):
        changed["tools"] = [_without(tool, dropped) for tool in tools]
    return tuple(_message_without(message, dropped) for message in messages), changed


def _message_without(message: JsonObject, dropped: set[int]) -> JsonObject:
    content = message.get("content")
    kept = {k: v for k, v in message.items() if k != MARK or id(message) not in dropped}
    if isinstance(content, list):
        kept["content"] = [_without(part, dropped) for part in content]
    return kept


def _without(holder: JsonValue, dropped: set[int]) -> JsonValue:
    if not isinstance(holder, dict) or id(holder) not in dropped:
        return holder
    kept = {name: value for name, value in holder.items() if name != MARK}
    function = kept.get("function")
    if isinstance(function, dict):
        kept["function"] = {name: value for name, value in function.items() if name != MARK}
    return kept
