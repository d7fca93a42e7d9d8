"""Pieces of tool calls, put in an order in which each call ends before the next begins."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.ports import JsonObject

Piece = tuple[int, JsonObject, str]
"""A call's position, its id and name, and arguments that can be sent."""


@dataclass(slots=True)
class _Call:
    begun: JsonObject
    pieces: list[str] = field(default_factory=list)
    sent: int = 0

    def unsent(self) -> str:
        """Return the arguments that were not sent yet, and take them for sent."""
        text = "".join(self.pieces[self.sent :])
        self.sent = len(self.pieces)
        return text

    @property
    def is_complete(self) -> bool:
        try:
            return isinstance(parse_json("".join(self.pieces)), dict)
        except InvalidJsonError:
            return False


class HeldCalls:
    """Passes on the pieces of one call. Those of a later call wait until it is complete: some
    servers send the pieces of parallel calls in turn."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._current = 0
        """Position, in the order of appearance, of the call whose pieces are passed on."""

    @property
    def have_begun(self) -> bool:
        return bool(self._calls)

    def add(self, piece: JsonObject) -> Iterator[Piece]:
        index, function = piece.get("index"), piece.get("function")
        of: dict[str, JsonValue] = function if isinstance(function, dict) else {}
        key = index if isinstance(index, int) else 0
        call = self._calls.get(key)
        if call is None:
            begun: JsonObject = {"id": str(piece.get("id")), "name": str(of.get("name") or "")}
            call = self._calls[key] = _Call(begun)
        if arguments := of.get("arguments"):
            call.pieces.append(str(arguments))
        yield from self._pass_on(to_the_end=False)

    def rest(self) -> Iterator[Piece]:
        """Yield what is left of every call."""
        yield from self._pass_on(to_the_end=True)

    def _pass_on(self, *, to_the_end: bool) -> Iterator[Piece]:
        keys = [*self._calls]
        while self._current < len(keys):
            key = keys[self._current]
            call = self._calls[key]
            if call.sent < len(call.pieces) or call.sent == 0:
                text = call.unsent()
                if text or not call.pieces:
                    yield key, call.begun, text
            is_last = self._current == len(keys) - 1
            if is_last and not to_the_end:
                return
            if not (to_the_end or call.is_complete):
                return
            self._current += 1
