"""What is known about a query's conversation: the material that the router LLM reads with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject

Speaker = Literal["user", "assistant", "tool"]
"""A role in a conversation; results of tools and of functions are both `tool`."""
INSTRUCTING = ("system", "developer")

_RESULTS = ("tool", "function")
_TOOL_PARTS = ("tool_use", "tool_result")


@dataclass(frozen=True, slots=True)
class Turn:
    """A message without instructions. `calls` names the tools that an assistant calls in it."""

    speaker: Speaker
    text: str
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """`system` is the text of the system and developer messages. `before` and `since` are the other
    OpenAI messages before and after the last user message; `turn_of` reads them. `tools` names the
    tools that may be called. `has_attachments` says whether any message, the last one included, has
    more than text.
    """

    system: str = ""
    before: tuple[JsonObject, ...] = ()
    since: tuple[JsonObject, ...] = ()
    tools: tuple[str, ...] = ()
    has_attachments: bool = False

    @property
    def length(self) -> int:
        """The number of messages other than the last user message and instructions."""
        return len(self.before) + len(self.since)

    @property
    def is_empty(self) -> bool:
        """Whether the last user message is all that the model gets."""
        return not (self.system or self.before or self.since or self.tools or self.has_attachments)

    @property
    def in_tool_loop(self) -> bool:
        return tool_loop_is_open((*self.before, *self.since))


ALONE = Conversation()
"""The conversation of a query that is all that the model gets."""


def last_answer(messages: Sequence[JsonObject]) -> JsonObject | None:
    """Return the last message of a model, if there is one."""
    return next((m for m in reversed(messages) if m.get("role") == "assistant"), None)


def tool_loop_is_open(messages: Sequence[JsonObject]) -> bool:
    """Whether the model's last message calls tools, no matter what followed: results, or a message
    that the user added to them."""
    message = last_answer(messages)
    if message is None:
        return any(message.get("role") in _RESULTS for message in messages)
    content = message.get("content")
    return bool(message.get("tool_calls") or message.get("function_call")) or any(
        isinstance(part, dict) and part.get("type") in _TOOL_PARTS
        for part in (content if isinstance(content, list) else ())
    )


def turn_of(message: JsonObject) -> Turn:
    role = message.get("role")
    speaker: Speaker = "user" if role == "user" else "assistant" if role == "assistant" else "tool"
    return Turn(speaker, text_of(message), called_tools(message))


def text_of(message: JsonObject) -> str:
    """Return a message's text: its content, or the text parts of a content array joined by
    newlines."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def called_tools(message: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the names of the tools that an assistant message calls, in any form of OpenAI's."""
    calls = message.get("tool_calls")
    listed = calls if isinstance(calls, list) else []
    return _names((*listed, message.get("function_call")))


def offered_tools(params: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the names of the tools that a request offers. A tool without a name counts by its
    type."""
    names: list[str] = []
    for field in ("tools", "functions"):
        listed = params.get(field)
        if listed:
            names += _names(listed if isinstance(listed, list) else ()) or ("unnamed",)
    if params.get("web_search_options") is not None:
        names.append("web_search")
    return tuple(names)


def _names(entries: Sequence[JsonValue]) -> tuple[str, ...]:
    return tuple(_name(entry) for entry in entries if isinstance(entry, dict))


def _name(entry: Mapping[str, JsonValue]) -> str:
    """Return the name in `{"type": "function", "function": {"name": …}}`, in the same with another
    type, or in an entry that has it itself."""
    inner = entry.get(str(entry.get("type", "function")), entry.get("function"))
    named = inner if isinstance(inner, dict) else entry
    found = named.get("name") or entry.get("name") or entry.get("type")
    return found if isinstance(found, str) else "unnamed"
