"""The output of a response, put together from the chunks of an answer.

A whole answer is one chunk, so it has the same items as a streamed one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.api.protocols.responses.response_items import (
    CallItem,
    Item,
    MessageItem,
    ReasoningItem,
    Status,
)
from route_switch.api.protocols.responses.response_state import CALLS, encode_state, thoughts_in
from route_switch.api.protocols.responses.response_tools import ToolName
from route_switch.domain.completion import merged_message
from route_switch.domain.ports import Chunk, JsonObject

_FUNCTION_FIELDS = ("id", "type", "index", "function")


@dataclass(slots=True)
class _PendingCall:
    """A call whose name has not arrived yet."""

    call_id: str
    arguments: str = ""


@dataclass(slots=True)
class ResponseOutput:
    """`number` is the response's id without its prefix. With `keeps_state`, reasoning carries what
    its provider wants back."""

    number: str
    tools: Mapping[str, ToolName]
    keeps_state: bool = False
    finish_reason: str = "stop"
    _items: list[Item] = field(default_factory=list)
    _open: list[Item] = field(default_factory=list)
    _calls: dict[int, CallItem | _PendingCall] = field(default_factory=dict)
    _state: JsonObject = field(default_factory=dict)

    def of(self, chunk: Chunk) -> Iterator[JsonObject]:
        """Yield the events of what the chunk says."""
        if chunk.index != 0:  # a response has one answer
            return
        delta = chunk.delta
        yield from self._think(delta)
        yield from self._say(delta, _logprobs(chunk.logprobs))
        yield from self._call(delta)
        self.finish_reason = chunk.finish_reason or self.finish_reason

    def end(self) -> Iterator[JsonObject]:
        """Yield the events that end what is still open."""
        for pending in [c for c in self._calls.values() if isinstance(c, _PendingCall)]:
            yield from self._begun(self._new_call(pending.call_id, ""))
        if self._state and self.keeps_state and not self._has_open(ReasoningItem):
            yield from self._begun(ReasoningItem(self._id("rs"), len(self._items)))
        if not self._items:
            yield from self._begun(MessageItem(self._id("msg"), 0))
        yield from self._close(self.status)

    @property
    def status(self) -> Status:
        cut = self.finish_reason in ("length", "content_filter")
        return "incomplete" if cut else "completed"

    @property
    def snapshot(self) -> list[JsonValue]:
        """The items that have ended."""
        return [item.snapshot for item in self._items if item.snapshot]

    def _think(self, delta: JsonObject) -> Iterator[JsonObject]:
        thoughts = thoughts_in(delta)
        if self.keeps_state:
            self._state = merged_message(self._state, thoughts)
        text = next((v for v in _THOUGHTS_FIRST(thoughts) if isinstance(v, str)), None)
        if text is None:
            return
        if not self._has_open(ReasoningItem):
            yield from self._begin(ReasoningItem(self._id("rs"), len(self._items)))
        for item in self._open:
            if isinstance(item, ReasoningItem):
                yield from item.think(text)

    def _say(self, delta: JsonObject, logprobs: list[JsonValue]) -> Iterator[JsonObject]:
        text, refusal = delta.get("content"), delta.get("refusal")
        if isinstance(text, str) and (text or logprobs):
            yield from (yield from self._message()).say(text, logprobs)
        if isinstance(refusal, str) and refusal:
            yield from (yield from self._message()).refuse(refusal)
        cited = delta.get("annotations")
        for annotation in cited if isinstance(cited, list) else ():
            yield from (yield from self._message()).cite(_flat(annotation))
