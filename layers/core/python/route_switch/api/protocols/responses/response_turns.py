"""Chat messages, put together from the items of a conversation.

The Responses API lists thoughts, texts, calls and results as items of their own. A chat message of
an assistant holds its thoughts, its text and its calls, and the calls' results must follow it.
Everything is joined at the end: joining each item at once would copy all earlier text each time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.api.protocols.responses.response_refusals import invalid
from route_switch.api.protocols.responses.response_state import CALLS
from route_switch.domain.message_pieces import MessagePieces
from route_switch.domain.ports import JsonObject

Result = tuple[JsonObject, list[JsonValue]]
"""A result's message, and the attachments that it cannot hold."""


@dataclass(slots=True)
class _Said:
    """A message of the user, or messages of the system that become one."""

    role: str
    contents: list[JsonValue]

    def messages(self) -> Iterator[JsonObject]:
        first, *more = self.contents
        content = _joined([p for c in self.contents for p in _parts(c)]) if more else first
        yield {"role": self.role, "content": content}


@dataclass(slots=True)
class _Assistant:
    """`is_open`: the assistant's next item belongs to it."""

    texts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    state: MessagePieces = field(default_factory=MessagePieces)
    calls: dict[str, JsonObject] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    is_open: bool = True

    def messages(self) -> Iterator[JsonObject]:
        message: JsonObject = {"role": "assistant", "content": None, **self.state.whole()}
        if self.texts:
            message["content"] = "\n\n".join(self.texts)
        if self.refusals:
            message["refusal"] = "\n\n".join(self.refusals)
        if self.calls:
            message["tool_calls"] = [*self.calls.values()]
        yield message
        results = [self.results[each] for each in self.calls if each in self.results]
        yield from (result for result, _ in results)
        attached = [part for _, parts in results for part in parts]
        if attached:
            yield {"role": "user", "content": attached}


class Turns:
    """Add the items in their order, then read `messages`."""

    def __init__(self) -> None:
        self._turns: list[_Said | _Assistant] = []
        self._by_call: dict[str, _Assistant] = {}

    def say(self, role: str, content: JsonValue) -> None:
        """Add a message of the user or the system. The system's first messages become one: some
        models take no more."""
        first = self._turns[0] if len(self._turns) == 1 else None
        if isinstance(first, _Said) and first.role == role == "system":
            first.contents.append(content)
        else:
            self._turns.append(_Said(role, [content]))

    def assist(self, text: str, refusal: str = "") -> None:
        """Add an assistant's text. Text after a call belongs to the call's message, because the
        result has to follow it."""
        turn = self._assistant()
        if (turn.texts or turn.refusals) and not turn.calls:
            turn = self._begun()
        if text or not refusal:
            turn.texts.append(text)
        if refusal:
            turn.refusals.append(refusal)

    def think(self, state: JsonObject) -> None:
        """Add what the provider wants back with the assistant's message."""
        turn = self._assistant()
        fields = state.get(CALLS)
        turn.state.add({k: v for k, v in state.items() if k != CALLS})
        for call_id, more in fields.items() if isinstance(fields, dict) else ():
            if call_id in turn.calls and isinstance(more, dict):
                turn.calls[call_id] = {**more, **turn.calls[call_id]}

    def call(self, call_id: str, name: str, arguments: str, place: str) -> None:
        turn = self._assistant()
        if call_id in turn.calls:
            raise invalid(f"{place}.call_id", "is also that of another call. Make each unique")
        function: JsonObject = {"name": name, "arguments": arguments}
        turn.calls[call_id] = {"id": call_id, "type": "function", "function": function}
        self._by_call[call_id] = turn

    def answer(self, call_id: str, content: JsonValue, place: str) -> None:
        """Add a call's result directly after the call, before any text between the two."""
        turn = self._by_call.get(call_id)
        if turn is None:
            raise invalid(
                f"{place}.call_id",
                f"is {json.dumps(call_id)[:80]}, but no earlier item of 'input' is a call with this"
                " id. Send the call as well",
            )
        turn.is_open = False
        turn.results[call_id] = _result(call_id, content)

    def messages(self) -> tuple[JsonObject, ...]:
        return tuple(message for turn in self._turns for message in turn.messages())

    def _assistant(self) -> _Assistant:
        last = self._turns[-1] if self._turns else None
        return last if isinstance(last, _Assistant) and last.is_open else self._begun()

    def _begun(self) -> _Assistant:
        turn = _Assistant()
        self._turns.append(turn)
        return turn


def _result(call_id: str, content: JsonValue) -> Result:
    """Return the message, and its images and files: a chat message with a tool's result has text
    only, so they follow in a user's message."""
    parts = content if isinstance(content, list) else []
    texts = [part for part in parts if _is_text(part)]
    others = [part for part in parts if not _is_text(part)]
    if others:
        texts.append({"type": "text", "text": "Its attachments follow in the next message."})
        others.insert(0, {"type": "text", "text": f"Attachments of the tool result {call_id}:"})
        content = [*texts]
    return {"role": "tool", "tool_call_id": call_id, "content": content}, others


def _is_text(part: JsonValue) -> bool:
    return isinstance(part, dict) and part.get("type") == "text"


def _parts(content: JsonValue) -> list[JsonValue]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _joined(parts: list[JsonValue]) -> JsonValue:
    """Return one text, unless a part says more than its text."""
    texts = [
        str(part["text"])
        for part in parts
        if isinstance(part, dict) and part.keys() == {"type", "text"}
    ]
    return "\n\n".join(texts) if len(texts) == len(parts) else parts
