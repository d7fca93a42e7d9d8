"""Requests and responses of chat APIs, in the forms in which logs keep them."""

from ast import literal_eval
from collections.abc import Mapping

from pydantic import JsonValue

from route_switch.adapters.learning.logs.rows import parsed
from route_switch.domain.learning.logged_call import UnusableRowError
from route_switch.domain.learning.logged_messages import PARAMS
from route_switch.domain.ports import JsonObject
from route_switch.domain.replay import NOT_REPLAYED

_SPEAKERS = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bot", "model", "ai"), "assistant"),
    **{name: name for name in ("system", "developer", "tool", "function")},
}

_SHAPING = PARAMS - NOT_REPLAYED


def request_of(value: JsonValue) -> tuple[list[JsonObject], JsonObject] | None:
    """Return messages and parameters of a request body, a list of messages, or a plain text. Raise
    `UnusableRowError` for a body that was cut off."""
    value = parsed(value)
    if isinstance(value, str):
        if value.lstrip().startswith(('{"', '[{"')):
            raise UnusableRowError("its request was cut off, so it is not valid JSON")
        text = _listed(value)
        return ([{"role": "user", "content": text}], {}) if text.strip() else None
    if isinstance(value, list):
        messages = _messages(value)
        return (messages, {}) if messages else None
    if not isinstance(value, dict):
        return None
    for name in ("messages", "conversations", "conversation", "input", "prompt"):
        if name in value:
            found = request_of(value[name])
            if found is not None:
                return [*_instructions(value), *found[0]], _params(value)
    return None


def _listed(text: str) -> str:
    """Return the texts of a list that Python printed, as RouterBench's prompts are."""
    if not text.startswith(("['", '["')):
        return text
    try:
        listed = literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return "\n\n".join(map(str, listed)) if isinstance(listed, list) else text


def _instructions(body: JsonObject) -> list[JsonObject]:
    """Return the system message of a request that has it outside of its messages."""
    text = body.get("system", body.get("instructions"))
    return [{"role": "system", "content": text}] if isinstance(text, str) and text else []


def _params(body: JsonObject) -> JsonObject:
    nested = body.get("model_parameters", body.get("modelParameters"))
    more = parsed(nested) if nested is not None else None
    return {**(_known(more) if isinstance(more, dict) else {}), **_known(body)}


def _known(params: JsonObject) -> JsonObject:
    """Return the parameters that shape an answer. Exports often write numbers as texts."""
    found = {name: parsed(value) for name, value in params.items() if name in _SHAPING}
    return {name: _number(value) for name, value in found.items() if value is not None}


def _number(value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return int(number) if number.is_integer() else number


def _messages(entries: list[JsonValue]) -> list[JsonObject]:
    """Return chat messages; [] if the entries are none. `from` and `value` are ShareGPT's names."""
    messages = []
    for entry in entries:
        if not isinstance(entry, dict):
            return []
        role = _SPEAKERS.get(str(entry.get("role", entry.get("from", ""))).lower())
        content = entry.get("content", entry.get("value"))
        if role is None or (content is None and not entry.get("tool_calls")):
            return []
        rest = {n: v for n, v in entry.items() if n in ("tool_calls", "tool_call_id", "name")}
        messages.append({"role": role, "content": content, **_present(rest)})
    return messages


def answer_of(value: JsonValue) -> JsonObject | None:
    """Return the assistant's message in a response body, a message, or a plain text."""
    value = parsed(value)
    if isinstance(value, str):
        text = _streamed(value) if value.startswith("data:") else value
        return {"role": "assistant", "content": text} if text.strip() else None
    if isinstance(value, list):
        return _last(value)
    if not isinstance(value, dict):
        return None
    if isinstance(choices := value.get("choices"), list):
        return answer_of(choices[0]) if choices else None
    for name in ("message", "body", "output", "content", "text", "completion", "output_text"):
        if name in value and value[name] is not None:
            found = answer_of(value[name])
            if found is not None:
                return _with_calls(found, value)
    return _with_calls({"role": "assistant", "content": None}, value, only_calls=True)


def _streamed(events: str) -> str:
    """Return the text of an answer that was logged as the events of its stream."""
    texts = []
    for line in events.splitlines():
        event = parsed(line.removeprefix("data:").strip())
        choices = event.get("choices") if isinstance(event, dict) else None
        first = choices[0] if isinstance(choices, list) and choices else None
        delta = first.get("delta") if isinstance(first, dict) else None
        content = delta.get("content") if isinstance(delta, dict) else None
        texts.append(content if isinstance(content, str) else "")
    return "".join(texts)


def _last(entries: list[JsonValue]) -> JsonObject | None:
    """Return the answer in a list of messages, content blocks or output items."""
    objects = [entry for entry in entries if isinstance(entry, dict)]
    texts = [e["text"] for e in objects if isinstance(e.get("text"), str)]
    if texts:
        return {"role": "assistant", "content": "".join(map(str, texts))}
    said = [e for e in objects if e.get("role") == "assistant" or e.get("type") == "message"]
    return answer_of(said[-1].get("content")) if said else None


def _with_calls(
    message: JsonObject, source: Mapping[str, JsonValue], *, only_calls: bool = False
) -> JsonObject | None:
    calls = source.get("tool_calls")
    if isinstance(calls, list) and calls:
        return {**message, "tool_calls": calls}
    return None if only_calls else message


def without_answer(messages: list[JsonObject]) -> tuple[list[JsonObject], JsonObject | None]:
    """Divide a conversation that ends with its answer."""
    if len(messages) > 1 and messages[-1].get("role") == "assistant":
        return messages[:-1], messages[-1]
    return messages, None


def check_request(messages: list[JsonObject]) -> None:
    """Raise `UnusableRowError` for messages that no example can be made of."""
    if not any(message.get("role") == "user" for message in messages):
        raise UnusableRowError("there is no message of a user")


def _present(fields: JsonObject) -> JsonObject:
    return {name: value for name, value in fields.items() if value is not None}
