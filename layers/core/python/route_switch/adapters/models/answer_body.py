"""The body of a provider's answer, as one chat completion.

Some servers stream although nobody asked them to (`stream` is false or missing), and some proxies
always do. Such a body is put together here, in time proportional to its length; `read_completion`
reads it like any other.
"""

import json
import re
from collections.abc import Iterator

from pydantic import JsonValue

from route_switch.adapters.models.message_pieces import MessagePieces
from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.ports import JsonObject
from route_switch.domain.usage import read_usage

_LINE_END = re.compile(r"\r\n|\r|\n")
"""What ends a line of an event stream. Not U+2028 and the like, which `splitlines` splits at."""
_LOOKS_LIKE_EVENTS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")
_SPACE = re.compile(r"\s*")
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
    choices: dict[int, _Choice] = {}
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
    if not (done or any(choice.fields.get("finish_reason") for choice in choices.values())):
        return {**whole, "error": {"message": BROKEN_OFF}}
    return {**whole, "choices": [choices[index].whole() for index in sorted(choices)]}


def _events(text: str) -> Iterator[JsonObject | None]:
    """Yield the objects of the data lines, and None for `[DONE]`.

    A server may write an object over several data lines, as the specification allows, or several
    objects on one line, which it does not.
    """
    lines: list[str] = []
    for line in (*_LINE_END.split(text), ""):
        name, _, value = line.partition(":")
        value = value.strip()
        if name.strip() != "data":
            if not line and lines:
                yield from objects_in("".join(lines))
                lines = []
        elif value == "[DONE]":
            yield None
        elif not lines and (found := objects_in(value)):
            yield from found
        else:
            lines.append(value)


def objects_in(text: str) -> list[JsonObject]:
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


def _add(event: JsonObject, whole: JsonObject, choices: "dict[int, _Choice]") -> None:
    given = event.get("choices")
    for choice in given if isinstance(given, list) else ():
        if isinstance(choice, dict):
            index = choice.get("index")
            choices.setdefault(index if isinstance(index, int) else 0, _Choice()).add(choice)
    # Some servers repeat an empty usage in each event.
    kept = {"choices", "usage"} if read_usage(event.get("usage")) is None else {"choices"}
    whole |= {
        name: value for name, value in event.items() if name not in kept and value is not None
    }


class _Choice:
    def __init__(self) -> None:
        self.fields: JsonObject = {}
        self._pieces = MessagePieces()
        self._said: JsonObject | None = None
        self._logprobs: list[JsonValue] = []

    def add(self, choice: JsonObject) -> None:
        delta, message, logprobs = map(choice.get, ("delta", "message", "logprobs"))
        if isinstance(delta, dict):
            self._pieces.add(delta)
        elif isinstance(message, dict):  # the whole message so far
            self._said = message
        if isinstance(logprobs, dict) and isinstance(tokens := logprobs.get("content"), list):
            self._logprobs += tokens
        read = ("delta", "message")
        self.fields |= {k: v for k, v in choice.items() if k not in read and v is not None}

    def whole(self) -> JsonObject:
        logprobs = self.fields.get("logprobs")
        if isinstance(logprobs, dict):
            self.fields["logprobs"] = {**logprobs, "content": self._logprobs}
        return {**self.fields, "message": self._said or self._pieces.whole()}
