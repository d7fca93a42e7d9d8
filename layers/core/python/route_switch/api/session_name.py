"""Which session a request belongs to, without any change to its client.

A client may name its session. Coding agents do, in headers of their own, and use one name for all
of their requests: the conversation, subagents, titles. So the first user message is part of the
session, too. Without a name, the system message is, as well.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from route_switch.domain.conversation import INSTRUCTING
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import text_of

BODY_FIELDS = ("prompt_cache_key", "session_id")
HEADERS = (
    "x-claude-code-session-id",
    "session_id",  # Codex
    "session-id",
    "conversation_id",
    "x-session-affinity",  # opencode, pi
    "x-opencode-session",
    "x-litellm-session-id",
    "helicone-session-id",
    "x-amp-thread-id",
)
"""Headers that agents and gateways send. None of them changes with each request."""

OWN_HEADER = "x-session-id"
USER_FIELDS = ("user", "safety_identifier")
IN_USER_ID = "_session_"
"""Claude Code writes the session behind this mark into Anthropic's `metadata.user_id`. Newer
versions write JSON."""

DIGEST_BYTES = 16
HEAD = 4000
"""Characters that distinguish a text from others; its length does, too."""


def session_id(
    headers: Mapping[str, str], content: JsonObject, messages: Sequence[JsonObject]
) -> str:
    """Return a digest that names the session. It reveals nothing: it is keyed with the caller's API
    key, which is stored nowhere. So sessions of different keys never share a digest, either."""
    secret = (headers.get("authorization") or headers.get("x-api-key") or "").rpartition(" ")[2]
    name = session_name(headers, content)
    digest = hmac.new(secret.encode(errors="replace"), digestmod=hashlib.sha256)
    for piece in (*_users(content), *_pieces(name, messages)):
        data = piece.encode(errors="replace")
        digest.update(f"{len(data)} ".encode() + data)
    return urlsafe_b64encode(digest.digest()[:DIGEST_BYTES]).decode().rstrip("=")


def session_name(headers: Mapping[str, str], content: JsonObject) -> str | None:
    """Return the client's own name of the session, if it gives one."""
    candidates = (
        headers.get(OWN_HEADER),
        *(content.get(name) for name in BODY_FIELDS),
        *_named_in(content.get("metadata")),
        *(headers.get(name) for name in HEADERS),
        _in_user_id(content.get("user")),
    )
    return next((each for each in candidates if isinstance(each, str) and each.strip()), None)


def _users(content: JsonObject) -> Iterator[str]:
    """Yield the request's users: conversations of one application often begin alike."""
    for field in USER_FIELDS:
        user = content.get(field)
        yield user if isinstance(user, str) else ""


def _named_in(metadata: JsonValue) -> Iterator[JsonValue]:
    if isinstance(metadata, dict):
        yield metadata.get("session_id")
        yield _in_user_id(metadata.get("user_id"))


def _in_user_id(user: JsonValue) -> JsonValue:
    if not isinstance(user, str):
        return None
    if user.startswith("{"):
        try:
            read: JsonValue = json.loads(user)
        except (ValueError, RecursionError):
            return None
        return read.get("session_id") if isinstance(read, dict) else None
    return user.partition(IN_USER_ID)[2] or None


def _pieces(name: str | None, messages: Sequence[JsonObject]) -> Iterator[str]:
    first = next((m for m in messages if m.get("role") == "user"), None)
    if name is None:
        yield "unnamed"
        for message in messages:
            if message.get("role") in INSTRUCTING:
                yield from _head_of(message)
    else:
        yield f"named {name}"
    if first is not None:
        yield "user"
        yield from _head_of(first)


def _head_of(message: JsonObject) -> Iterator[str]:
    """Yield the text, regardless of how it is split into parts, and what distinguishes attachments.
    Cache points move from message to message, so they do not count."""
    yield _head(text_of(message))
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") != "text":
            yield from _texts_in({k: v for k, v in part.items() if k != "cache_control"})


def _texts_in(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield _head(value)
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(each)


def _head(text: str) -> str:
    return f"{len(text)} {text[:HEAD]}"
