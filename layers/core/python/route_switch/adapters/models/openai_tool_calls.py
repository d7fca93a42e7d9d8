"""Tell pieces of tool calls apart, no matter how a provider marks them.

Some providers number all parallel calls 0, some give them all the same id, and some give neither
number nor id.
"""

import re
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.adapters.models.openai_message import (
    fields_of_call,
    json_text,
    read_id,
    text_or_none,
)
from route_switch.domain.call_arguments import CallArguments
from route_switch.domain.call_ids import new_call_id
from route_switch.domain.ports import JsonObject

_ESCAPED = re.compile(
    r"\\\\|\\u(d[89ab][0-9a-f]{2})(?:\\u(d[c-f][0-9a-f]{2}))?|\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE
)
"""A backslash, or the escapes of a surrogate pair or of half of one."""
_UNFINISHED = re.compile(
    r"(?:\\u(?:d[89ab][0-9a-f]{2})(?:\\(?:u[0-9a-f]{0,3})?)?|\\(?:u[0-9a-f]{0,3})?)$", re.IGNORECASE
)
"""The end of a text that may be the beginning of such an escape."""


_Mark = tuple[str | None, str | None]
"""Index and id. None stands for any."""


@dataclass(slots=True)
class _Call:
    """`position` is assigned here. `held` waits for the rest of an escape."""

    position: int
    arguments: CallArguments = field(default_factory=CallArguments)
    held: str = ""

    def add(self, piece: str) -> str:
        """Add arguments, and return what can be sent of them."""
        self.arguments.add(piece)
        text = self.held + piece
        found = _UNFINISHED.search(text)
        self.held = found[0] if found else ""
        return _with_whole_characters(text[: found.start()] if found else text)


class ToolCallPieces:
    """Numbers the calls of one choice in order of appearance."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._last: dict[_Mark, _Call] = {}
        """The last call that has these marks of the provider's."""
        self._ids: set[str] = set()

    def read(self, calls: JsonValue) -> list[JsonValue]:
        """Return OpenAI's form of the pieces. The first of each call has its id and type."""
        pieces = calls if isinstance(calls, list) else [calls]
        return [self._read(piece) for piece in pieces if isinstance(piece, dict)]

    def rest(self) -> list[JsonValue]:
        """Return unfinished escapes, and an empty object for calls that came without arguments."""
        rest = [
            "{}" if not call.arguments.pieces else _with_whole_characters(call.held)
            for call in self._calls
        ]
        return [
            {"index": n, "function": {"arguments": text}} for n, text in enumerate(rest) if text
        ]

    def _read(self, piece: JsonObject) -> JsonObject:
        rest = fields_of_call(piece)
        function = rest.get("function")
        if isinstance(function, dict):
            rest["function"] = function = read_function(function)
        name, arguments = _said(function)
        index, given_id = _place(piece.get("index")), read_id(piece.get("id"))
        call = self._continued(index, given_id, name, arguments)
        is_new = call is None
        if call is None:
            call = _Call(len(self._calls))
            self._calls.append(call)
            marks: tuple[_Mark, ...] = (index, None), (None, given_id), (index, given_id)
            self._last |= dict.fromkeys(marks, call)
        if arguments and isinstance(function, dict):
            function["arguments"] = call.add(arguments)
        if not is_new:
            return {"index": call.position, **rest}
        identity = given_id if given_id and given_id not in self._ids else new_call_id()
        self._ids.add(identity)
        kind = text_or_none(piece.get("type")) or "function"
        return {"index": call.position, "id": identity, "type": kind, **rest}

    def _continued(
        self, index: str | None, given_id: str | None, name: str, arguments: str
    ) -> _Call | None:
        """Return the call that a piece continues; None if it begins one."""
        if index is None and given_id is None:
            call = self._calls[-1] if self._calls and not name else None
        else:
            call = self._last.get((index, given_id))
        begins = call is not None and bool(name and arguments) and call.arguments.is_whole
        return None if begins else call


def _place(index: JsonValue) -> str | None:
    """Return the provider's index in a form that can be compared."""
    return None if index is None else json_text(index)


def read_function(function: JsonObject) -> JsonObject:
    """Read the name and the arguments, which are text in pieces; some servers send the whole
    object."""
    read: JsonObject = {name: value for name, value in function.items() if value is not None}
    if "arguments" in read and not isinstance(read["arguments"], str):
        read["arguments"] = json_text(read["arguments"])
    return read


def _with_whole_characters(text: str) -> str:
    """Replace escapes of surrogate pairs by their characters, and of halves by U+FFFD: half a pair
    would break the client that parses the arguments."""

    def replaced(found: "re.Match[str]") -> str:
        high, low, _ = found.groups()
        if found[0] == "\\\\":
            return found[0]
        if high and low:
            return chr(0x10000 + (int(high, 16) - 0xD800) * 0x400 + int(low, 16) - 0xDC00)
        return "\ufffd"

    return _ESCAPED.sub(replaced, text)


def _said(function: JsonValue) -> tuple[str, str]:
    if not isinstance(function, dict):
        return "", ""
    name, arguments = function.get("name"), function.get("arguments")
    return text_or_none(name) or "", text_or_none(arguments) or ""
