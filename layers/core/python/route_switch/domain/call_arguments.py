"""The arguments of a tool call, which arrive in pieces, and whether they are whole.

Parsing them after each piece would take quadratic time. So brackets are counted, and the text is
parsed once, when the first one is closed.
"""

import re
from dataclasses import dataclass, field

from route_switch.domain.json_values import InvalidJsonError, parse_json

_STRUCTURE = re.compile(r'["{}\[\]]')
_IN_TEXT = re.compile(r'["\\]')


@dataclass(slots=True)
class CallArguments:
    """Add the pieces in their order."""

    pieces: list[str] = field(default_factory=list)
    _depth: int = 0
    _in_text: bool = False
    _is_escaped: bool = False
    """Whether the next character follows a backslash."""
    _has_closed: bool = False
    _has_more: bool = False
    """Whether something follows the value, which makes it invalid."""
    _is_object: bool | None = None
    """What parsing has found; None before."""

    def add(self, piece: str) -> None:
        self.pieces.append(piece)
        position = 0
        while position < len(piece) and not self._has_closed:
            position = self._read(piece, position)
        self._has_more = self._has_more or bool(piece[position:].strip())

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are a JSON object that is closed."""
        if not self._has_closed or self._has_more:
            return False
        if self._is_object is None:
            self._is_object = _is_object(self.text)
        return self._is_object

    def _read(self, piece: str, position: int) -> int:
        """Read up to the next mark, and return the position after it."""
        if self._is_escaped:
            self._is_escaped = False
            return position + 1
        found = (_IN_TEXT if self._in_text else _STRUCTURE).search(piece, position)
        if found is None:
            return len(piece)
        match found[0]:
            case '"':
                self._in_text = not self._in_text
            case "\\":
                self._is_escaped = True
            case "{" | "[":
                self._depth += 1
            case _:
                self._depth -= 1
                self._has_closed = self._depth <= 0
        return found.end()


def _is_object(text: str) -> bool:
    try:
        return isinstance(parse_json(text), dict)
    except InvalidJsonError:
        return False
