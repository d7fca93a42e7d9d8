"""Server-sent events of JSON, in any form that servers write.

A server may write an object over several data lines, as the specification allows, or several
objects on one line, which it does not. All of it takes time in proportion to its length.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from route_switch.domain.errors import ModelError
from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.ports import JsonObject

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""A longer event is not one of a chat completion, and must not fill the memory."""
MAX_STREAM_BYTES = 128 * 1024 * 1024
"""A longer stream is cut off. Most of its bytes are not text, and only the text is kept."""
DONE = "[DONE]"
"""OpenAI's last event."""
_LINE_END = re.compile(rb"\r\n|\r|\n")
"""Line ends. U+2028 and the like, at which `splitlines` splits texts, are not among them."""
_LOOKS_LIKE_EVENTS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")
_SPACE = re.compile(r"\s*")


def looks_like_events(content: bytes) -> bool:
    return _LOOKS_LIKE_EVENTS.match(content) is not None


def events(parts: Iterable[bytes]) -> Iterator[JsonValue | bytes]:
    """Yield the data of server-sent events, parsed; the text `DONE` for the end.

    If the body is JSON instead of events, yield the whole of it as bytes.
    """
    lines = _without_mark(_lines(parts))
    pending: list[bytes] = []
    for line in lines:
        if not pending and line.lstrip()[:1] in (b"{", b"["):
            yield b"\n".join((line, *lines))
            return
        name, _, value = line.partition(b":")
        value = value.strip()
        if not line.strip():  # the end of an event
            yield from _parsed(b"\n".join(pending))
            pending = []
        elif name.strip() != b"data":
            continue
        elif value == DONE.encode():
            yield DONE
            return
        elif not pending and (found := _parsed(value)):
            yield from found
        else:  # it continues in the next line; parsing at each would take quadratic time
            pending.append(value)
    yield from _parsed(b"\n".join(pending))


def _parsed(data: bytes) -> list[JsonValue]:
    """Return the event, or several that a server wrote on one line; empty if it is unfinished."""
    try:
        return [parse_json(data)]
    except InvalidJsonError:
        return [*_objects_in(data.decode(errors="replace"))]


def _objects_in(text: str) -> list[JsonObject]:
    """Return the objects that the text consists of; none if it is anything else."""
    found: list[JsonObject] = []
    decoder, at = json.JSONDecoder(strict=False), 0
    try:
        while at < len(text):
            start = at
            _, at = decoder.raw_decode(text, start)
            value = parse_json(text[start:at])
            if isinstance(value, dict):
                found.append(value)
            if space := _SPACE.match(text, at):
                at = space.end()
    except (ValueError, RecursionError):
        return []
    return found


def _without_mark(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Leave out a byte order mark at the beginning."""
    for line in lines:
        yield line.removeprefix(BOM_UTF8)
        break
    yield from lines


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each line as soon as it ends, for every kind of line end, and no matter how the body is
    split into parts."""
    begun: list[bytes] = []
    size = begun_size = 0
    after_cr = False
    for part in parts:
        size += len(part)
        if size > MAX_STREAM_BYTES:
            raise ModelError(f"The answer is longer than {MAX_STREAM_BYTES:,} bytes.")
        if after_cr:
            part = part.removeprefix(b"\n")
        after_cr = part.endswith(b"\r")
        first, *rest = _split(part)
        begun.append(first)
        begun_size += len(first)
        if rest:
            yield b"".join(begun)
            *whole, last = rest
            yield from whole
            begun, begun_size = [last], len(last)
        if begun_size > MAX_EVENT_BYTES:
            raise ModelError("The provider sent an event that is too long.")
    if begun_size:
        yield b"".join(begun)


def _split(part: bytes) -> list[bytes]:
    return _LINE_END.split(part) if b"\r" in part else part.split(b"\n")
