"""A live answer as the server-sent events of Anthropic's Messages API."""

from collections.abc import Iterator

from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.api.error_answers import ErrorAnswer
from route_switch.api.live_events import sse
from route_switch.api.protocols.messages.messages_answer import (
    empty_message,
    id_of_function_call,
    stop_of,
    usage_body,
)
from route_switch.api.protocols.messages.messages_errors import error_body
from route_switch.api.protocols.messages.open_block import OpenBlock
from route_switch.api.protocols.messages.tool_pieces import HeldCalls, Piece
from route_switch.api.protocols.messages.turns import THOUGHT_FIELDS
from route_switch.api.route_answer import costs_body
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.services.inbound_request import RoutedRequest

PING = sse({"type": "ping"}, "ping")


class MessageEvents:
    """Writes one content block after the other; at most one is open.

    The usage is known at the end, so `message_start` counts no tokens. `message_delta` has the
    costs in `route_switch`.
    """

    keep_alive = PING

    def __init__(self, routed: RoutedRequest, call: ClientCall) -> None:
        self._start = empty_message(routed)
        self._call = call
        self._block = OpenBlock()
        self._calls = HeldCalls()
        self._late: list[JsonObject] = []
        """Pieces after the first tool call that belong to no call: they are sent once all calls are
        whole."""

    def begin(self) -> Iterator[str]:
        yield _event("message_start", {"message": self._start})

    def of(self, chunk: Chunk) -> Iterator[str]:
        if chunk.index != 0:
            return
        if self._calls.have_begun:
            self._late.append(chunk.delta)
            events = [*self._tools(chunk.delta)]
        else:
            events = [*self._said(chunk.delta), *self._tools(chunk.delta)]
        for event in events:
            yield _event(str(event["type"]), event)

    def end(self, routed: RoutedRequest) -> Iterator[str]:
        late = (event for delta in self._late for event in self._said(delta))
        for event in (*self._rest(), *late, *self._block.close()):
            yield _event(str(event["type"]), event)
        completion = routed.completion
        choice = completion.choices[0] if completion else None
        reason, sequence = ("end_turn", None) if choice is None else stop_of(choice, self._call)
        usage = usage_body(completion.usage if completion else None)
        ended: JsonObject = {
            "delta": {"stop_reason": reason, "stop_sequence": sequence},
            "usage": usage,
            "route_switch": costs_body(routed),
        }
        yield _event("message_delta", ended)
        yield _event("message_stop", {})

    def broken_off(self, error: ErrorAnswer) -> Iterator[str]:
        yield sse(error_body(error, str(self._start["id"])), "error")

    def _thoughts(self, delta: JsonObject) -> Iterator[JsonObject]:
        signed = delta.get("thinking_blocks")
        if isinstance(signed, list) and signed:
            for piece in signed:
                if isinstance(piece, dict):
                    yield from self._block.signed_thought(piece)
            return
        for name in THOUGHT_FIELDS:
            if isinstance(text := delta.get(name), str) and text:
                yield from self._block.unsigned_thought(text, name)
                return

    def _said(self, delta: JsonObject) -> Iterator[JsonObject]:
        yield from self._thoughts(delta)
        for name in ("content", "refusal"):
            if isinstance(text := delta.get(name), str) and text:
                yield from self._block.text(text, name)

    def _tools(self, delta: JsonObject) -> Iterator[JsonObject]:
        pieces = delta.get("tool_calls")
        given: list[JsonValue] = [*pieces] if isinstance(pieces, list) else []
        if function := delta.get("function_call"):
            id_ = id_of_function_call(str(self._start["id"]))
            given.append({"index": 0, "id": id_, "function": function})
        for position, piece in enumerate(given):
            if isinstance(piece, dict):
                yield from self._written(self._calls.add({"index": position, **piece}))

    def _rest(self) -> Iterator[JsonObject]:
        yield from self._written(self._calls.rest())

    def _written(self, pieces: Iterator[Piece]) -> Iterator[JsonObject]:
        for key, begun, arguments in pieces:
            yield from self._block.tool(key, begun, arguments)


def _event(kind: str, fields: JsonObject) -> str:
    return sse({"type": kind, **fields}, kind)
