"""Chat messages, put together from the items of a conversation.

The Responses API lists thoughts, texts, calls and results as items of their own. A chat message of
an assistant holds its thoughts, its text and its calls, and the calls' results must follow it.
"""

import json
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.api.protocols.responses.response_refusals import invalid
from route_switch.api.protocols.responses.response_state import CALLS
from route_switch.domain.completion import merged_message
from route_switch.domain.ports import JsonObject


@dataclass(slots=True)
class _Turn:
    message: JsonObject
    results: dict[str, tuple[JsonObject, list[JsonValue]]] = field(default_factory=dict)
    """By the call's id: the result's message, and the attachments that it cannot hold."""
    calls: list[JsonObject] = field(default_factory=list)
    is_open: bool = False
    """Whether the assistant's next item belongs to it."""

    def messages(self) -> list[JsonObject]:
        ids = [str(call["id"]) for call in self.calls]
        calls: JsonObject = {"tool_calls": [*self.calls]} if self.calls else {}
        results = [self.results[each] for each in ids if each in self.results]
        attached = [part for _, parts in results for part in parts]
        shown: list[JsonObject] = [{"role": "user", "content": attached}] if attached else []
        return [self.message | calls, *(message for message, _ in results), *shown]


class Turns:
    """Add the items in their order, then read `messages`."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []
        self._by_call: dict[str, _Turn] = {}

    def say(self, message: JsonObject) -> None:
        """Add a message of the user or the system. The system's first messages become one: some
        models take no more."""
        first = self._turns[0].message if len(self._turns) == 1 else {}
        if first.get("role") == "system" == message["role"]:
            first["content"] = _joined([*_parts(first), *_parts(message)])
        else:
            self._turns.append(_Turn(message))

    def assist(self, text: str, refusal: str = "") -> None:
        """Add an assistant's text. Text after a call belongs to the call's message, because the
        result has to follow it."""
        turn = self._assistant()
        before = turn.message.get("content")
        if isinstance(before, str) and not turn.calls:
            turn = self._begun()
            before = None
        turn.message["content"] = f"{before}\n\n{text}" if isinstance(before, str) else text
        if refusal:
            turn.message["refusal"] = refusal

    def think(self, state: JsonObject) -> None:
        """Add what the provider wants back with the assistant's message."""
        turn = self._assistant()
        extras = state.get(CALLS)
        fields: JsonObject = {k: v for k, v in state.items() if k != CALLS}
        turn.message = merged_message(turn.message, fields)
        for call in turn.calls:
            more = extras.get(str(call["id"])) if isinstance(extras, dict) else None
            call.update(more if isinstance(more, dict) else {})

    def call(self, call_id: str, name: str, arguments: str) -> None:
        function: JsonObject = {"name": name, "arguments": arguments}
        turn = self._assistant()
        turn.calls.append({"id": call_id, "type": "function", "function": function})
        self._by_call[call_id] = turn

    def answer(self, call_id: str, content: JsonValue, place: str) -> None:
        """Add a call's result. It stands behind its call, whatever was said in between."""
        turn = self._by_call.get(call_id)
        if turn is None:
            raise invalid(
                f"{place}.call_id",
                f"is {json.dumps(call_id)[:80]}, but no earlier item of 'input' is a call with this"
                " id. Send the call as well",
            )
        turn.is_open = False
        turn.results[call_id] = _result(call_id, content)

    @property
    def messages(self) -> tuple[JsonObject, ...]:
        return tuple(message for turn in self._turns for message in turn.messages())

    def _assistant(self) -> _Turn:
        last = self._turns[-1] if self._turns else None
        return last if last is not None and last.is_open else self._begun()

    def _begun(self) -> _Turn:
        turn = _Turn({"role": "assistant", "content": None}, is_open=True)
        self._turns.append(turn)
        return turn


def _result(call_id: str, content: JsonValue) -> tuple[JsonObject, list[JsonValue]]:
    """Return the message, and its images and files: a chat message with a tool's result has text
    only, so they follow in a user's message."""
    parts = content if isinstance(content, list) else []
    texts = [part for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    others = [part for part in parts if part not in texts]
    if others:
        texts.append({"type": "text", "text": "Its attachments follow in the next message."})
        others.insert(0, {"type": "text", "text": f"Attachments of the tool result {call_id}:"})
        content = [*texts]
    return {"role": "tool", "tool_call_id": call_id, "content": content}, others


def _parts(message: JsonObject) -> list[JsonValue]:
    content = message["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _joined(parts: list[JsonValue]) -> JsonValue:
    """Return one text, unless a part says more than its text."""
    texts = [
        str(part["text"])
        for part in parts
        if isinstance(part, dict) and part.keys() == {"type", "text"}
    ]
    return "\n\n".join(texts) if len(texts) == len(parts) else parts
