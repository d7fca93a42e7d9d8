"""The input of a Responses request as chat messages."""

import json

from pydantic import JsonValue

from route_switch.api.protocols.responses.response_content import chat_content, said_and_refused
from route_switch.api.protocols.responses.response_refusals import invalid, shown, unsupported
from route_switch.api.protocols.responses.response_state import decode_state
from route_switch.api.protocols.responses.response_tools import TOOL_SEARCH, chat_name
from route_switch.api.protocols.responses.response_turns import Turns
from route_switch.domain.ports import JsonObject

_ROLES = {"user": "user", "system": "system", "developer": "system"}
"""Chat roles. `system` is the one that all providers know."""
_CALLS = ("function_call", "custom_tool_call", "tool_search_call")
_RESULTS = ("function_call_output", "custom_tool_call_output", "tool_search_output")
_REFERENCE = (
    "it refers to an item of an earlier response, and this router stores no responses. Send the "
    "item itself: with the AI SDK, set providerOptions.openai.store to false"
)


def chat_messages(content: JsonObject) -> tuple[tuple[JsonObject, ...], list[str]]:
    """Return the messages of a request, and a sentence for each item that was left out."""
    turns, left_out = Turns(), list[str]()
    instructions, items = content.get("instructions"), content.get("input")
    if isinstance(instructions, str) and instructions:
        turns.say("system", instructions)
    if isinstance(items, str):
        turns.say("user", items)
    listed = items if isinstance(items, list) else []
    following = _following(listed)
    for index, item in enumerate(listed):
        if not isinstance(item, dict):
            raise invalid(f"input[{index}]", 'must be an item, such as {"role": "user", …}')
        note = _left_out(item, following[index]) or _add(turns, item, f"input[{index}]")
        if note is not None:
            left_out.append(f"input[{index}]: {note}")
    messages = turns.messages()
    if not messages:
        raise invalid("input", "has no message. Send a text, or an item with a 'role'")
    return messages, left_out


def _add(turns: Turns, item: JsonObject, place: str) -> str | None:
    """Add an item. Return why it is left out, if it is."""
    match item:
        case {"role": str(role), "content": content} if item.get("type", "message") == "message":
            _add_message(turns, role, content, place)
        case {"type": "function_call", "name": str(name), "call_id": str(call_id)}:
            arguments = item.get("arguments")
            text = arguments if isinstance(arguments, str) else "{}"
            turns.call(call_id, _called(name, item), text, place)
        case {"type": "custom_tool_call", "name": str(name), "call_id": str(call_id)}:
            text = json.dumps({"input": item.get("input")}, ensure_ascii=False)
            turns.call(call_id, _called(name, item), text, place)
        case {"type": "tool_search_call", "call_id": str(call_id)}:
            text = json.dumps(item.get("arguments"), ensure_ascii=False)
            turns.call(call_id, TOOL_SEARCH, text, place)
        case {"type": str(kind), "call_id": str(call_id)} if kind in _RESULTS:
            turns.answer(call_id, _result(item, place), place)
        case {"type": "reasoning"}:
            return _add_reasoning(turns, item)
        case {"type": "additional_tools"}:
            return None  # read by `offered_tools`
        case _:
            raise _refused(item, place)
    return None


def _following(items: list[JsonValue]) -> list[JsonValue]:
    """Return for each item the type of the next one that is neither a reference nor reasoning."""
    kinds: list[JsonValue] = []
    kind: JsonValue = None
    for item in reversed(items):
        kinds.append(kind)
        if isinstance(item, dict) and not _is_reference(item) and item.get("type") != "reasoning":
            kind = item.get("type")
    return kinds[::-1]


def _left_out(item: JsonObject, following: JsonValue) -> str | None:
    """Return why a reference is left out, if the conversation makes sense without it: the AI SDK
    refers to reasoning, and to what was said before a call, as if OpenAI had stored it."""
    if not _is_reference(item):
        return None
    if str(item.get("id")).startswith("rs_"):
        return "a reference to reasoning, which this router does not store"
    if following in _CALLS:
        return "a reference to the text before a call, which this router does not store"
    return None


def _is_reference(item: JsonObject) -> bool:
    kind = item.get("type")
    return kind == "item_reference" or (kind is None and "id" in item and "content" not in item)


def _called(name: str, item: JsonObject) -> str:
    namespace = item.get("namespace")
    return chat_name(name, namespace if isinstance(namespace, str) else None)


def _add_message(turns: Turns, role: str, content: JsonValue, place: str) -> None:
    if role == "assistant":
        turns.assist(*said_and_refused(content, f"{place}.content"))
    elif role in _ROLES:
        turns.say(_ROLES[role], chat_content(content, f"{place}.content"))
    else:
        raise invalid(f"{place}.role", "must be user, assistant, system or developer")


def _result(item: JsonObject, place: str) -> JsonValue:
    if item["type"] == "tool_search_output":
        return json.dumps(item.get("tools"), ensure_ascii=False)
    return chat_content(item.get("output"), f"{place}.output")


def _add_reasoning(turns: Turns, item: JsonObject) -> str | None:
    state = decode_state(item.get("encrypted_content"))
    if state is not None:
        turns.think(state)
        return None
    if item.get("encrypted_content") is not None:
        return "reasoning whose encrypted_content is not from this router"
    return "reasoning without encrypted_content"


def _refused(item: JsonObject, place: str) -> Exception:
    kind = item.get("type")
    if _is_reference(item):
        return unsupported(place, _REFERENCE)
    if kind in (*_CALLS, *_RESULTS):
        return invalid(place, "must have a 'call_id', and a call its 'name'")
    if kind in (None, "message"):
        return invalid(place, "must have a 'role' and a 'content'")
    return unsupported(
        place,
        f"an item {shown(kind)} cannot be passed on to every model. Send messages, function calls "
        "and custom tool calls with their outputs, and reasoning",
    )
