"""The body of a provider's answer, as one chat completion.

Some servers stream although nobody asked them to (`stream` is false or missing), and some proxies
always do. Such a body is put together here; `read_completion` reads it like any other.
"""

import json
import re
from collections.abc import Iterator

from pydantic import JsonValue

from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.ports import JsonObject
from route_switch.domain.usage import read_usage

_LINE_END = re.compile(r"\r\n|\r|\n")
"""What ends a line of an event stream. Not U+2028 and the like, which `splitlines` splits at."""
_LOOKS_LIKE_EVENTS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")
_JOINED = ("content", "reasoning_content", "reasoning", "thinking", "refusal", "arguments")
"""Texts that come in pieces. Every other field replaces the earlier one."""
BROKEN_OFF = "the event stream ended before the answer did"


def parse_answer(content: bytes) -> JsonValue:
    """Return the body of an answer; None if it is neither JSON nor an event stream of JSON."""
    try:
        return parse_json(content)
    except InvalidJsonError:
        if not _LOOKS_LIKE_EVENTS.match(content):
            return None
    return _whole(content.decode("utf-8-sig", "replace"))


def _whole(text: str) -> JsonObject | None:
    """Put the events together: the answer, or the error that one of them holds."""
    whole: JsonObject = {}
    choices: dict[int, JsonObject] = {}
    done = False
    for event in _events(text):
        if event is None:
            done = True
        elif event.get("error") or event.get("object") == "error":
            return {**whole, **event, "error": event.get("error") or event}
        else:
            _add(event, whole, choices)
    if not whole and not choices:
        return None
    ended = done or any(choice.get("finish_reason") for choice in choices.values())
    if not ended:
        return {**whole, "error": {"message": BROKEN_OFF}}
    return {**whole, "choices": [choices[index] for index in sorted(choices)]}


def _events(text: str) -> Iterator[JsonObject | None]:
    """Yield the objects of the data lines, and None for `[DONE]`.

    A server may write an object over several data lines, as the specification allows, or several
    objects on one line, which it does not.
    """
    pending = ""
    for line in _LINE_END.split(text):
        name, _, value = line.partition(":")
        if name.strip() != "data":
            pending = pending if line else ""
        elif value.strip() == "[DONE]":
            yield None
        else:
            found, pending = _objects(f"{pending}{value.strip()}")
            yield from found


def _objects(text: str) -> tuple[list[JsonObject], str]:
    """Return the objects at the beginning of a text, and the rest that is not one yet."""
    found: list[JsonObject] = []
    decoder = json.JSONDecoder(strict=False)
    while text:
        try:
            _, end = decoder.raw_decode(text)
            value = parse_json(text[:end])
        except (ValueError, RecursionError):
            break
        if isinstance(value, dict):
            found.append(value)
        text = text[end:].lstrip()
    return found, text


def _add(event: JsonObject, whole: JsonObject, choices: dict[int, JsonObject]) -> None:
    given = event.get("choices")
    for choice in given if isinstance(given, list) else ():
        if isinstance(choice, dict):
            index = choice.get("index")
            before = choices.setdefault(index if isinstance(index, int) else 0, {"message": {}})
            _add_choice(choice, before)
    # Some servers repeat an empty usage in each event.
    usage = event.get("usage")
    kept = {"choices", "usage"} if read_usage(usage) is None else {"choices"}
    whole |= {
        name: value for name, value in event.items() if name not in kept and value is not None
    }


def _add_choice(choice: JsonObject, before: JsonObject) -> None:
    message = before["message"]
    delta = choice.get("delta")
    if isinstance(delta, dict) and isinstance(message, dict):
        _add_delta(delta, message)
    elif isinstance(choice.get("message"), dict):  # the whole message so far
        before["message"] = choice["message"]
    rest = {k: v for k, v in choice.items() if k not in ("delta", "message") and v is not None}
    earlier, later = before.get("logprobs"), rest.get("logprobs")
    if isinstance(earlier, dict) and isinstance(later, dict):
        rest["logprobs"] = {**earlier, **later, "content": _list(earlier) + _list(later)}
    before |= rest


def _list(logprobs: JsonObject) -> list[JsonValue]:
    content = logprobs.get("content")
    return content if isinstance(content, list) else []


def _add_delta(delta: JsonObject, message: JsonObject) -> None:
    for name, value in delta.items():
        before = message.get(name)
        if name in _JOINED and isinstance(before, str) and isinstance(value, str):
            message[name] = before + value
        elif name == "tool_calls":
            message[name] = _with_calls(before, value)
        elif name == "function_call" and isinstance(before, dict) and isinstance(value, dict):
            _add_delta(value, before)
        elif isinstance(before, list) and isinstance(value, list):
            message[name] = [*before, *value]
        elif value is not None:
            message[name] = value


def _with_calls(before: JsonValue, pieces: JsonValue) -> JsonValue:
    """Add pieces of tool calls. A new id begins a new call, whatever index it has."""
    calls: list[JsonValue] = before if isinstance(before, list) else []
    for piece in pieces if isinstance(pieces, list) else ():
        if isinstance(piece, dict):
            call = _call_of(piece, calls)
            if call is None:
                calls.append({**piece, "function": _object(piece.get("function"))})
            else:
                function = _object(call.get("function"))
                _add_delta(_object(piece.get("function")), function)
                call["function"] = function
    return calls


def _call_of(piece: JsonObject, calls: list[JsonValue]) -> JsonObject | None:
    """Return the call that the piece continues; None if it begins one."""
    known = [call for call in calls if isinstance(call, dict)]
    if piece.get("id"):
        return next((call for call in known if call.get("id") == piece["id"]), None)
    at = [c for c in known if c.get("index") == piece.get("index")]
    continued = (at or (known if piece.get("index") is None else []))[-1:]
    return continued[0] if continued else None


def _object(value: JsonValue) -> JsonObject:
    return dict(value) if isinstance(value, dict) else {}
