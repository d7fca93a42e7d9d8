"""Puts an assistant message together from its pieces, as OpenAI's clients do.

Pieces are kept and joined once, at the end: adding to a text or a list that grows would copy it for
each piece, and a long answer would take quadratic time.
"""

from collections.abc import Iterable
from typing import Union

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject

_TEXTS = ("content", "refusal", "arguments", "data", "transcript", "signature")
THOUGHTS = ("reasoning", "thinking")
"""What the names of a message's thoughts begin with."""

Part = Union["MessagePieces", "_Text", "_Entries", JsonValue]


class MessagePieces:
    """An object whose texts are joined, whose lists are put together by index, and whose other
    fields are replaced by later ones."""

    def __init__(self, first: JsonObject | None = None) -> None:
        self._parts: dict[str, Part] = {}
        self.add(first or {})

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, delta: JsonObject) -> None:
        for name, new in delta.items():
            before = self._parts.get(name)
            if isinstance(before, MessagePieces) and isinstance(new, dict):
                before.add(new)
            elif isinstance(before, _Entries) and isinstance(new, list):
                before.extend(new)
            elif isinstance(before, _Text) and isinstance(new, str):
                before.pieces.append(new)
            elif new is not None or name not in self._parts:
                self._parts[name] = _begun(name, new)

    def whole(self) -> JsonObject:
        return {name: _whole(part) for name, part in self._parts.items()}


class _Text:
    def __init__(self, first: str) -> None:
        self.pieces = [first]


class _Entries:
    """Pieces name their entry by its `index`. Whole entries have none."""

    def __init__(self, first: list[JsonValue]) -> None:
        self.parts: list[Part] = []
        self.extend(first)

    def extend(self, pieces: Iterable[JsonValue]) -> None:
        for piece in pieces:
            index = piece.get("index") if isinstance(piece, dict) else None
            if not isinstance(piece, dict) or not isinstance(index, int):
                self.parts.append(MessagePieces(piece) if isinstance(piece, dict) else piece)
                continue
            new = {name: value for name, value in piece.items() if name != "index"}
            before = self.parts[index] if 0 <= index < len(self.parts) else None
            if isinstance(before, MessagePieces):
                before.add(new)
            else:
                self.parts.append(MessagePieces(new))


def _begun(name: str, value: JsonValue) -> Part:
    if isinstance(value, dict):
        return MessagePieces(value)
    if isinstance(value, list):
        return _Entries(value)
    if isinstance(value, str) and (name in _TEXTS or name.startswith(THOUGHTS)):
        return _Text(value)
    return value


def _whole(part: Part) -> JsonValue:
    if isinstance(part, MessagePieces):
        return part.whole()
    if isinstance(part, _Text):
        return "".join(part.pieces)
    if isinstance(part, _Entries):
        return [_whole(entry) for entry in part.parts]
    return part
