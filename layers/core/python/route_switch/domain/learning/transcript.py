"""A conversation as text, for the judge: shortened, with attachments named but not shown."""

import json
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.query import text_of
from route_switch.domain.replay import TEXT_PARTS, tool_calls_of
from route_switch.domain.tokens import clip_at_words, estimate_tokens

MAX_TOKENS = 6000
"""The most tokens of a conversation. The judge is paid for each of thousands of pairs."""
FIRST_SHARE = 1 / 4
NEWEST_SHARE, TURN_SHARE = 1 / 2, 1 / 4
"""Shares of what the first message leaves: for the newest one, and for each one before it."""
MIN_TURN_TOKENS = 12
MAX_URL = 100


def transcript(messages: Sequence[JsonObject], max_tokens: int = MAX_TOKENS) -> str:
    """Return one paragraph per message. If they are too long, keep the first one (what the
    application or the user asks for) and the newest ones, shortened at word ends, and say how many
    are left out."""
    shown = [_shown(message) for message in messages]
    whole = "\n\n".join(shown)
    if estimate_tokens(whole) <= max_tokens:
        return whole
    first = clip_at_words(shown[0], int(max_tokens * (FIRST_SHARE if shown[1:] else 1)))
    newest = list(_newest(shown[1:], max_tokens - estimate_tokens(first)))[::-1]
    left_out = len(shown) - 1 - len(newest)
    gap = [f"[{left_out} messages are left out here]"] if left_out else []
    return "\n\n".join([first, *gap, *newest])


def with_attachments(text: str, message: JsonObject) -> str:
    """Return a message's text with a line for each of its attachments."""
    return "\n".join([*([text] if text else []), *_attachments(message)])


def has_attachments(messages: Sequence[JsonObject]) -> bool:
    return any(True for message in messages for _ in _parts(message))


def refers_to_files(messages: Sequence[JsonObject]) -> bool:
    """Whether an attachment is not in the messages themselves: it may be gone, or be unknown to
    another provider."""
    return any(_is_reference(part) for message in messages for part in _parts(message))


def _is_reference(part: JsonObject) -> bool:
    detail = part.get(str(part.get("type")))
    fields = detail if isinstance(detail, dict) else {**part, "url": detail}
    url = fields.get("url")
    return "file_id" in fields or (isinstance(url, str) and not url.startswith("data:"))


def _newest(shown: Sequence[str], left: int) -> Iterator[str]:
    left -= MIN_TURN_TOKENS  # the note on what is left out
    for number, text in enumerate(reversed(shown)):
        share = NEWEST_SHARE if number == 0 else TURN_SHARE
        room = int(left * (1 if len(shown) == 1 else share))
        if room < MIN_TURN_TOKENS:
            return
        clipped = clip_at_words(text, room)
        left -= estimate_tokens(clipped) + 1
        yield clipped


def _shown(message: JsonObject) -> str:
    """Return role and text. A message that has neither text nor attachments is shown as JSON."""
    text, calls = text_of(message), tool_calls_of(message)
    said = with_attachments(text, message)
    if not said:
        return f"{message.get('role')}: {json.dumps(message, sort_keys=True)}"
    called = [json.dumps([*calls], sort_keys=True)] if calls else []
    return f"{message.get('role')}: " + "\n".join([said, *called])


def _attachments(message: JsonObject) -> Iterator[str]:
    return (f"[attached: {_name(part)}]" for part in _parts(message))


def _parts(message: JsonObject) -> Iterator[JsonObject]:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") not in TEXT_PARTS:
            yield part


def _name(part: JsonObject) -> str:
    kind = str(part.get("type"))
    detail = part.get(kind)
    if kind == "image_url":
        return _of_url(detail.get("url") if isinstance(detail, dict) else detail)
    fields = detail if isinstance(detail, dict) else part
    named = (fields.get(name) for name in ("filename", "format"))
    return ", ".join([kind, *(text for text in named if isinstance(text, str))])


def _of_url(url: JsonValue) -> str:
    if not isinstance(url, str):
        return "image"
    if url.startswith("data:"):
        media, _, data = url.removeprefix("data:").partition(",")
        return f"{media.partition(';')[0] or 'image'}, {-(-len(data) * 3 // 4096)} KB"
    return f"image at {url.partition('?')[0][:MAX_URL]}"
