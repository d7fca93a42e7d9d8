"""Pieces of tool calls, put in an order in which each call ends before the next begins."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.domain.call_arguments import CallArguments
from route_switch.domain.ports import JsonObject

Piece = tuple[int, JsonObject, str]
"""A call's position, its id and name, and arguments that can be sent."""


@dataclass(slots=True)
class _Call:
    begun: JsonObject
    arguments: CallArguments = field(default_factory=CallArguments)
    sent: int = 0

    def unsent(self) -> str:
        """Return the arguments that were not sent yet, and mark them as sent."""
        pieces = self.arguments.pieces
        text = "".join(pieces[self.sent :])
        self.sent = len(pieces)
        return text


class HeldCalls:
    """Passes on the pieces of one call. Those of a later call wait until it is complete: some
    servers send the pieces of parallel calls in turn."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._order: list[int] = []
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
            self._order.append(key)
        if arguments := of.get("arguments"):
            call.arguments.add(str(arguments))
        yield from self._pass_on(to_the_end=False)

    def rest(self) -> Iterator[Piece]:
        """Yield what is left of every call."""
        yield from self._pass_on(to_the_end=True)

    def _pass_on(self, *, to_the_end: bool) -> Iterator[Piece]:
        while self._current < len(self._order):
            key = self._order[self._current]
            call = self._calls[key]
            pieces = call.arguments.pieces
            if call.sent < len(pieces) or call.sent == 0:
                text = call.unsent()
                if text or not pieces:
                    yield key, call.begun, text
            is_last = self._current == len(self._order) - 1
            if is_last and not to_the_end:
                return
            if not (to_the_end or call.arguments.is_whole):
                return
            self._current += 1
