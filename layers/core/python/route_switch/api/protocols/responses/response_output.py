"""The output of a response, put together from the chunks of an answer.

A whole answer is one chunk, so it has the same items as a streamed one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import JsonValue

from route_switch.api.client_call import ToolName
from route_switch.api.protocols.responses.response_items import (
    CallItem,
    Item,
    MessageItem,
    ReasoningItem,
    Status,
)
from route_switch.api.protocols.responses.response_state import (
    CALLS,
    encode_state,
    thoughts_in,
)
from route_switch.domain.message_pieces import MessagePieces
from route_switch.domain.ports import Chunk, JsonObject

Kind = TypeVar("Kind", ReasoningItem, MessageItem)
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Fields that hold the text of a model's thoughts. Some providers send the same text under two
names."""
_OF_FUNCTIONS = ("id", "type", "index", "function")


@dataclass(slots=True)
class _NamelessCall:
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
    _said: ReasoningItem | MessageItem | None = None
    """The thoughts or the message that are open."""
    _open_calls: dict[int, CallItem] = field(default_factory=dict)
    _whole_calls: dict[int, CallItem] = field(default_factory=dict)
    """Open calls, and those of them that end when the next item begins, by their index."""
    _calls: dict[int, CallItem | _NamelessCall] = field(default_factory=dict)
    _state: MessagePieces = field(default_factory=MessagePieces)
    _events: list[JsonObject] = field(default_factory=list)

    def of(self, chunk: Chunk) -> list[JsonObject]:
        """Return the events for the chunk."""
        if chunk.index == 0:  # a response has one answer
            self._think(chunk.delta)
            self._say(chunk.delta, _logprobs(chunk.logprobs))
            for position, piece in _calls(chunk.delta, self.number):
                self._call(position, piece)
            self.finish_reason = chunk.finish_reason or self.finish_reason
        return self._told()

    def end(self) -> list[JsonObject]:
        """Return the events that end what is still open."""
        for position, call in self._calls.items():
            if isinstance(call, _NamelessCall):
                self._name(position, call, "")
        if self._state and self._opened(ReasoningItem) is None:
            self._begin(ReasoningItem(self._id("rs"), len(self._items)))
        if not self._items:
            self._begin(MessageItem(self._id("msg"), 0))
        self._close(self._open_calls)
        return self._told()

    @property
    def status(self) -> Status:
        cut = self.finish_reason in ("length", "content_filter")
        return "incomplete" if cut else "completed"

    @property
    def snapshot(self) -> list[JsonValue]:
        """The items that have ended."""
        return [item.snapshot for item in self._items if item.snapshot]

    def _think(self, delta: JsonObject) -> None:
        thoughts = thoughts_in(delta)
        if self.keeps_state:
            self._state.add(thoughts)
        if text := _thought(thoughts):
            self._tell(self._current(ReasoningItem, "rs").think(text))

    def _say(self, delta: JsonObject, logprobs: list[JsonValue]) -> None:
        text, refusal, cited = (delta.get(n) for n in ("content", "refusal", "annotations"))
        if (isinstance(text, str) and text) or logprobs:
            said = text if isinstance(text, str) else ""
            self._tell(self._current(MessageItem, "msg").say(said, logprobs))
        if isinstance(refusal, str) and refusal:
            self._tell(self._current(MessageItem, "msg").refuse(refusal))
        for annotation in cited if isinstance(cited, list) else ():
            self._tell(self._current(MessageItem, "msg").cite(_flat(annotation)))

    def _call(self, position: int, piece: JsonObject) -> None:
        call_id, function = piece.get("id"), piece.get("function")
        name, arguments = _said(function)
        call = self._calls.get(position)
        if call is None:
            known = call_id if isinstance(call_id, str) else f"call_{self.number}{position}"
            call = self._calls[position] = _NamelessCall(known)
        self._keep_fields(call.call_id, piece)
        if isinstance(call, CallItem):
            if arguments and call.index in self._open_calls:  # else it is whole: nothing follows
                self._continue(call, arguments)
            return
        call.arguments += arguments
        if name:
            self._name(position, call, name)

    def _name(self, position: int, call: _NamelessCall, name: str) -> None:
        tool = self.tools.get(name, ToolName("function", name))
        prefix = {"function": "fc", "custom": "ctc", "tool_search": "tsc"}[tool.kind]
        item = CallItem(self._id(prefix), len(self._items), call.call_id, tool)
        self._calls[position] = item
        self._begin(item)
        if call.arguments:
            self._continue(item, call.arguments)

    def _continue(self, call: CallItem, arguments: str) -> None:
        self._tell(call.add(arguments))
        if call.is_whole:
            self._whole_calls[call.index] = call
        else:
            self._whole_calls.pop(call.index, None)

    def _keep_fields(self, call_id: str, piece: JsonObject) -> None:
        more: JsonObject = {
            k: v for k, v in piece.items() if k not in _OF_FUNCTIONS and v is not None
        }
        if more and self.keeps_state:
            self._state.add({CALLS: {call_id: more}})

    def _current(self, kind: type[Kind], prefix: str) -> Kind:
        item = self._opened(kind)
        if item is None:
            item = kind(self._id(prefix), len(self._items))
            self._begin(item)
        return item

    def _opened(self, kind: type[Kind]) -> Kind | None:
        return self._said if isinstance(self._said, kind) else None

    def _begin(self, item: Item) -> None:
        """Begin an item, and end those before it. Calls may come in turns: one that is not whole
        stays open."""
        self._close(self._whole_calls)
        self._items.append(item)
        if isinstance(item, CallItem):
            self._open_calls[item.index] = item
        else:
            self._said = item
        self._tell(item.begin())

    def _close(self, calls: Mapping[int, CallItem]) -> None:
        """End what is said, and these calls, in the order in which they began."""
        items: list[Item] = [*calls.values(), *(() if self._said is None else (self._said,))]
        for item in sorted(items, key=lambda each: each.index):
            if isinstance(item, ReasoningItem) and self._state:
                item.encrypted_content = encode_state(self._state.whole())
                self._state = MessagePieces()
            self._tell(item.end(self.status))
            self._open_calls.pop(item.index, None)
        self._said = None
        self._whole_calls.clear()

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self.number}{len(self._items)}"

    def _tell(self, events: Iterable[JsonObject]) -> None:
        self._events.extend(events)

    def _told(self) -> list[JsonObject]:
        events, self._events = self._events, []
        return events


def _thought(thoughts: JsonObject) -> str:
    """Return the text of a model's thoughts; signed thoughts repeat it."""
    texts = (thoughts.get(name) for name in _THOUGHTS)
    signed = thoughts.get("thinking_blocks")
    blocks = [b for b in (signed if isinstance(signed, list) else ()) if isinstance(b, dict)]
    said = "".join(text for b in blocks if isinstance(text := b.get("thinking"), str))
    return next((text for text in texts if isinstance(text, str)), said)


def _calls(delta: JsonObject, number: str) -> list[tuple[int, JsonObject]]:
    """Return the pieces of calls with their positions. A call that arrived whole has none."""
    calls, legacy = delta.get("tool_calls"), delta.get("function_call")
    pieces: list[tuple[int, JsonObject]] = []
    for place, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict):
            index = call.get("index")
            pieces.append((index if isinstance(index, int) else place, call))
    if isinstance(legacy, dict):
        pieces.append((-1, {"id": f"call_{number}", "function": legacy}))
    return pieces


def _said(function: JsonValue) -> tuple[str, str]:
    if not isinstance(function, dict):
        return "", ""
    name, arguments = function.get("name"), function.get("arguments")
    return name if isinstance(name, str) else "", arguments if isinstance(arguments, str) else ""


def _logprobs(given: JsonValue) -> list[JsonValue]:
    """Return the tokens of a text as this API demands them: all with their bytes."""
    tokens = given.get("content") if isinstance(given, dict) else None
    return [_token(token) for token in (tokens if isinstance(tokens, list) else ())]


def _token(token: JsonValue) -> JsonValue:
    if not isinstance(token, dict):
        return token
    read: JsonObject = {name: token[name] for name in ("token", "logprob") if name in token}
    bytes_ = token.get("bytes")
    read["bytes"] = bytes_ if isinstance(bytes_, list) else [*str(token.get("token")).encode()]
    if isinstance(top := token.get("top_logprobs"), list):
        read["top_logprobs"] = [*map(_token, top)]
    return read


def _flat(annotation: JsonValue) -> JsonValue:
    """Return a citation without the level that chat answers nest it in."""
    match annotation:
        case {"type": "url_citation", "url_citation": dict(cited)}:
            return {"type": "url_citation", **cited}
    return annotation
