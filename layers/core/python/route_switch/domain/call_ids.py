"""Ids of tool calls, each of which occurs once in a conversation.

Some servers restart the numbers of calls in each answer (`call_0`). Clients find a result's call by
its id, Claude Code drops a call whose id it has seen before, and a session names the state of a
tool loop by it. So an id that the conversation has already is replaced before anything else reads
it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from uuid import uuid4

from pydantic import JsonValue

from route_switch.domain.ports import Chunk, JsonObject


def new_call_id() -> str:
    return f"call_{uuid4().hex[:24]}"


def ids_of_calls(message: JsonObject) -> list[str]:
    """Return the ids of the tool calls in an assistant message, in their order."""
    return [id_ for call in _calls(message) if isinstance(id_ := call.get("id"), str) and id_]


class UniqueCalls:
    """Replaces ids in the chunks of one answer to `messages`."""

    def __init__(self, messages: Sequence[JsonObject]) -> None:
        self._messages = messages
        self._new: dict[str, str] = {}

    def of(self, chunk: Chunk) -> Chunk:
        if not any(id_ in self._taken for id_ in ids_of_calls(chunk.delta)):
            return chunk
        calls: list[JsonValue] = [{**call, **self._id(call)} for call in _calls(chunk.delta)]
        return replace(chunk, delta={**chunk.delta, "tool_calls": calls})

    def _id(self, call: JsonObject) -> JsonObject:
        id_ = call.get("id")
        if not isinstance(id_, str) or id_ not in self._taken:
            return {}
        return {"id": self._new.setdefault(id_, new_call_id())}

    @cached_property
    def _taken(self) -> frozenset[str]:
        return frozenset(id_ for message in self._messages for id_ in ids_of_calls(message))


def _calls(message: JsonObject) -> Iterator[JsonObject]:
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            yield call
