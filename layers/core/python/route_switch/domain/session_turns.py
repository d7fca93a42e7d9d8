"""What the messages of a request say about its session."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from route_switch.domain.cache_points import (
    CachePoints,
    fixed_tokens,
    has_points,
    marks_conversation,
    points_of,
)
from route_switch.domain.call_ids import ids_of_calls
from route_switch.domain.conversation import tool_loop_is_open
from route_switch.domain.ports import JsonObject
from route_switch.domain.sessions import CACHE_S, CachedPart, SessionState, SessionTurn
from route_switch.domain.signer import Signer

DIGEST_BYTES = 16
HOUR_S = 3600
DAY_S = 86_400

LEFT_OUT = "signed reasoning of another model left out"
"""The note of a call whose messages were sent without provider state."""

_ANSWERS = ("assistant", "tool", "function")
_THOUGHT_LISTS = ("reasoning_details", "thinking_blocks")
_SIGNATURES = (
    *("signature", "thought_signature", "thoughtSignature", "thought_signatures"),
    "encrypted_content",
)
_ENCRYPTED = ("redacted_thinking", "reasoning.encrypted")
"""Types of thoughts whose `data` only the provider can read."""
_THOUGHT_PARTS = ("thinking", "reasoning", *_ENCRYPTED)
_LEFT_OUT = frozenset({*_THOUGHT_LISTS, *_SIGNATURES})
_OF_TOOLS = frozenset({"input", "arguments", "function"})
"""Fields with a tool's arguments, whose names mean nothing here."""


def turn_of(
    messages: Sequence[JsonObject],
    params: Mapping[str, JsonValue],
    input_tokens: int,
    output_tokens: int,
    cache_points: CachePoints = "off",
) -> SessionTurn:
    """Return what the session rule needs to know about a request in OpenAI's chat form.
    `cache_points` is the stage's setting."""
    if not continues(messages):
        return SessionTurn(input_tokens, output_tokens, continues=False)
    return SessionTurn(
        input_tokens,
        output_tokens,
        tool_loop=tool_loop_is_open(messages),
        provider_state=carries_state(messages),
        cached=_cached_part(messages, params, cache_points),
    )


def _cached_part(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue], setting: CachePoints
) -> CachedPart | None:
    if has_points(messages, params):
        if marks_conversation(messages, params):
            return CachedPart()
        return CachedPart(fixed_tokens(messages, params))
    if setting == "off":
        return None
    return CachedPart(fixed_tokens(messages, params), by_stage=True)


def continues(messages: Sequence[JsonObject]) -> bool:
    """Whether a model has answered before in this conversation."""
    return any(message.get("role") in _ANSWERS for message in messages)


def state_id(session_id: str, message: JsonObject | None) -> str:
    """Return the name of the state that this answer of a model leaves behind.

    The ids of tool calls are unique, and clients send them back. So two conversations that begin
    alike, and share a session, never get each other's tool loop. The last id is enough, and it is
    the last one however a client groups parallel calls: some send each with its result behind it.
    """
    ids = ids_of_calls(message) if message else []
    if not ids:
        return session_id
    digest = hashlib.sha256(json.dumps([session_id, ids[-1]]).encode())
    return urlsafe_b64encode(digest.digest()[:DIGEST_BYTES]).decode().rstrip("=")


def carries_state(messages: Sequence[JsonObject]) -> bool:
    """Whether an answer carries state that only its own model can read: signed or encrypted
    reasoning."""
    return any(
        _has_state(message) for message in reversed(messages) if message.get("role") == "assistant"
    )


def count_answers(messages: Sequence[JsonObject]) -> int:
    return sum(1 for message in messages if message.get("role") == "assistant")


def without_state(messages: Sequence[JsonObject]) -> tuple[JsonObject, ...]:
    """Return the messages for another model: without what only the first one can read."""
    return tuple(
        _readable(message)
        if message.get("role") == "assistant" and _has_state(message)
        else message
        for message in messages
    )


def split_after_answers(
    messages: Sequence[JsonObject], answers: int
) -> tuple[tuple[JsonObject, ...], tuple[JsonObject, ...]]:
    """Split the messages after this many `answers` of a model."""
    places = [n for n, message in enumerate(messages) if message.get("role") == "assistant"]
    end = places[answers - 1] + 1 if 0 < answers <= len(places) else 0
    return tuple(messages[:end]), tuple(messages[end:])


def signer_of(state: SessionState, messages: Sequence[JsonObject]) -> Signer:
    """Return whose state the messages carry. A conversation that was cut has lost its older
    answers."""
    signer = state.likely_signer
    older, others = split_after_answers(messages, signer.foreign_answers)
    is_whole = carries_state(older) and count_answers(others) > 0
    return signer if is_whole or not signer.foreign_answers else Signer(signer.model)


def cache_lifetime_s(
    messages: Sequence[JsonObject],
    params: Mapping[str, JsonValue],
    reported: Mapping[str, JsonValue] | None = None,
) -> int:
    """Return how long the provider keeps what it has read: what `reported`, its usage, says that it
    has written, else the shortest of the lifetimes that the request asks for."""
    written = (reported or {}).get("cache_creation")
    if isinstance(written, dict) and written.get("ephemeral_1h_input_tokens"):
        return CACHE_S if written.get("ephemeral_5m_input_tokens") else HOUR_S
    if params.get("prompt_cache_retention") == "24h":
        return DAY_S
    asked = [
        HOUR_S if point.get("ttl") == "1h" else CACHE_S for point in points_of(messages, params)
    ]
    return min(asked, default=CACHE_S)


def _has_state(value: JsonValue) -> bool:
    if isinstance(value, list):
        return any(map(_has_state, value))
    if not isinstance(value, dict):
        return False
    if value.get("type") in _ENCRYPTED or any(map(value.get, _SIGNATURES)):
        return True
    return any(
        isinstance(each, dict | list) and name not in _OF_TOOLS and _has_state(each)
        for name, each in value.items()
    )


def _readable(message: JsonObject) -> JsonObject:
    kept = _fields_of(message)
    if kept.get("content") == []:
        kept["content"] = None if kept.get("tool_calls") else ""
    return kept


def _fields_of(value: JsonObject) -> JsonObject:
    return {
        name: each if name in _OF_TOOLS else _without(each)
        for name, each in value.items()
        if name not in _LEFT_OUT and not _is_thought(each)
    }


def _without(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_without(each) for each in value if not _is_thought(each)]
    return _fields_of(value) if isinstance(value, dict) else value


def _is_thought(part: JsonValue) -> bool:
    return isinstance(part, dict) and part.get("type") in _THOUGHT_PARTS
