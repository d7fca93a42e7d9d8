"""A dialect's whole answer as the events in which the same provider would stream it."""

from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from route_switch.adapters.models.openai_message import FAILED
from tests.support.upstream import DONE

Body = dict[str, Any]


def as_events(body: JsonValue) -> list[JsonValue | bytes] | None:
    """Return the events; None for a body that is no answer with choices, or whose failure would
    come after the answer has begun."""
    given = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(given, list):
        return None
    choices = [choice for choice in given if isinstance(choice, dict)]
    if len(choices) > 1 and len({str(choice.get("index")) for choice in choices}) == 1:
        return None  # nobody could tell their pieces apart
    if not all(map(_is_whole, choices)):
        return None
    common = {name: value for name, value in body.items() if name not in ("choices", "usage")}
    events: list[JsonValue | bytes] = [
        {**common, "choices": [piece]} for choice in choices for piece in _pieces(choice)
    ]
    if "usage" in body:
        events.append({"choices": [], "usage": body["usage"]})
    return [*events, DONE]


def _is_whole(choice: Body) -> bool:
    failed = choice.get("error") or str(choice.get("finish_reason")).lower() in FAILED
    return isinstance(choice.get("message"), dict) and not failed


def _pieces(choice: Body) -> Iterator[Body]:
    """Yield the choice with each text halved and each call in two pieces."""
    rest = {name: value for name, value in choice.items() if name not in ("message", "delta")}
    reason = rest.pop("finish_reason", None)
    message = choice.get("message")
    for delta in _deltas(message) if isinstance(message, dict) else ():
        yield {**rest, "delta": delta, "finish_reason": None}
        rest = {name: value for name, value in rest.items() if name == "index"}
    yield {**rest, "delta": {}, "finish_reason": "stop" if reason is None else reason}


def _deltas(message: Body) -> Iterator[Body]:
    said = dict(message)
    yield {"role": said.pop("role", "assistant")}
    content, calls = said.pop("content", None), said.pop("tool_calls", None)
    if said:
        yield said
    if isinstance(content, str):
        half = len(content) // 2
        yield {"content": content[:half]}
        yield {"content": content[half:]}
    elif content is not None:
        yield {"content": content}
    for call in calls if isinstance(calls, list) else [calls] if calls else ():
        yield from _call_deltas(call)


def _call_deltas(call: Body) -> Iterator[Body]:
    function = call.get("function")
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if function is None or not isinstance(arguments, str) or "index" not in call:
        yield {"tool_calls": [call]}
        return
    half = len(arguments) // 2
    yield {"tool_calls": [{**call, "function": {**function, "arguments": arguments[:half]}}]}
    more = {"index": call["index"], "function": {"arguments": arguments[half:]}}
    yield {"tool_calls": [{**more, "id": call.get("id")} if call.get("id") else more]}
