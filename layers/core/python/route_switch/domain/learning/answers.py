"""An answer as learning compares it: its text and the tools that it calls."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from route_switch.domain.json_values import InvalidJsonError, valid_text
from route_switch.domain.replay import tool_calls_of as tool_calls_of


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool; `arguments` is canonical JSON, or the text itself if it is not JSON."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model answered. Calls that were asked for together have no order."""

    text: str
    calls: tuple[ToolCall, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and not self.calls

    def __str__(self) -> str:
        """Return the answer as the judge sees it."""
        shown = sorted(f"[calls the tool {call.name} with {call.arguments}]" for call in self.calls)
        return "\n".join([*([self.text] if self.text.strip() or not shown else []), *shown])


def same_answer(one: ModelAnswer, other: ModelAnswer) -> bool:
    """Whether two answers do the same: the same calls, or without calls the same text but for
    surrounding whitespace. Text next to equal calls only announces them."""
    if one.calls or other.calls:
        return Counter(one.calls) == Counter(other.calls)
    return one.text.strip() == other.text.strip()


def answer_of_message(text: str, tool_calls: Iterable[JsonValue]) -> ModelAnswer:
    """Return the answer in an OpenAI assistant message. Calls in another form are kept as text."""
    return ModelAnswer(text, tuple(map(_call, tool_calls)))


def _call(call: JsonValue) -> ToolCall:
    kind = call.get("type") if isinstance(call, dict) else None
    body = call.get(kind if kind == "custom" else "function") if isinstance(call, dict) else None
    if not isinstance(body, dict):
        return ToolCall("", _canonical(call))
    arguments = body.get("input") if kind == "custom" else body.get("arguments")
    return ToolCall(str(body.get("name")), _canonical(arguments))


def _canonical(arguments: JsonValue) -> str:
    """Return JSON with sorted keys. Numbers that are equal look equal: 1.0 is 1."""
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
        return valid_text(json.dumps(_plain(value), sort_keys=True, ensure_ascii=False))
    except (ValueError, RecursionError, InvalidJsonError):
        return str(arguments).strip()


def _plain(value: JsonValue) -> JsonValue:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value
