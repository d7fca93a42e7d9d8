"""The turns of an Anthropic conversation as chat messages.

One turn may become several messages: results of tools are messages of their own, and come first.
"""

import json
from collections.abc import Collection, Iterator

from pydantic import JsonValue

from route_switch.api.protocols.messages.content_parts import (
    as_content,
    block_parts,
    blocks_of,
    invalid,
    marked,
    parts_of,
    text_field,
)
from route_switch.domain.message_pieces import MessagePieces
from route_switch.domain.ports import JsonObject

FAILED = "The tool failed."
"""Chat messages have no field for it, so the result's text says it."""
THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""Where servers put unsigned thoughts. Such a thought has the field's name for a signature, and
goes back in the same field: DeepSeek insists on its thoughts in a tool loop."""
_THOUGHTS = ("thinking", "redacted_thinking")


def chat_messages(system: JsonValue, turns: JsonValue) -> tuple[JsonObject, ...]:
    """Raise `RequestRefusedError` for a block that cannot be translated."""
    messages = [*_chat_messages(turns)]
    early = _before_an_answer(messages)
    instructions = [*_system(system, "system"), *(m for m in early if m["role"] == "system")]
    said = [m for m in early if m["role"] != "system"]
    return (*instructions, *said, *_later(messages[len(early) :]))


def mark_last(messages: tuple[JsonObject, ...], mark: JsonObject) -> tuple[JsonObject, ...]:
    """Return the messages with a cache mark at the very end."""
    *earlier, last = messages
    content = last.get("content")
    parts: list[JsonValue] = (
        [{"type": "text", "text": content}]
        if isinstance(content, str)
        else [*content]
        if isinstance(content, list)
        else []
    )
    if parts and isinstance(end := parts[-1], dict):
        parts[-1] = {**end, "cache_control": mark}
        last = {**last, "content": parts}
    return (*earlier, last)


def _chat_messages(turns: JsonValue) -> Iterator[JsonObject]:
    called: set[JsonValue] = set()
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        if not isinstance(turn, dict):
            continue
        place, content = f"messages[{index}].content", turn.get("content")
        match turn.get("role"):
            case "assistant":
                answer = _assistant(content, place)
                called |= _call_ids(answer.get("tool_calls"))
                yield answer
            case "system":
                yield from _system(content, place)
            case _:
                yield from _user(content, place, called)


def _call_ids(calls: JsonValue) -> set[JsonValue]:
    given = calls if isinstance(calls, list) else ()
    return {call["id"] for call in given if isinstance(call, dict)}


def _before_an_answer(messages: list[JsonObject]) -> list[JsonObject]:
    """Return the messages up to the first one of an assistant."""
    ends = (n for n, message in enumerate(messages) if message["role"] == "assistant")
    return messages[: next(ends, len(messages))]


def _later(messages: list[JsonObject]) -> Iterator[JsonObject]:
    """Turn later instructions into words of the user. Moved to the beginning they would empty the
    provider's cache, and in their place many servers refuse them."""
    for message in messages:
        if message["role"] != "system":
            yield message
            continue
        begin: JsonObject = {"type": "text", "text": "<system-reminder>"}
        end: JsonObject = {"type": "text", "text": "</system-reminder>"}
        content = message["content"]
        said: list[JsonValue] = [*content] if isinstance(content, list) else [_text(content)]
        yield {"role": "user", "content": [begin, *said, end]}


def _text(content: JsonValue) -> JsonObject:
    return {"type": "text", "text": content}


def _system(content: JsonValue, place: str) -> Iterator[JsonObject]:
    if parts := parts_of(content, place):
        yield {"role": "system", "content": as_content(parts)}


def _user(content: JsonValue, place: str, called: Collection[JsonValue]) -> Iterator[JsonObject]:
    said: list[JsonObject] = []
    shown: list[JsonObject] = []
    for where, block in blocks_of(content, place):
        if block.get("type") == "tool_result":
            _check_called(block, where, called)
            result, images = _tool_result(block, where)
            yield result
            shown += images
        else:
            said += block_parts(block, where)
    if parts := shown + said:
        yield {"role": "user", "content": as_content(parts)}


def _check_called(block: JsonObject, place: str, called: Collection[JsonValue]) -> None:
    """Refuse a result without an earlier call, as Anthropic does: most providers refuse it too, and
    no model can tell what it answers."""
    if text_field(block, "tool_use_id", place) not in called:
        raise invalid(
            f"{place}.tool_use_id",
            "is not the id of an earlier 'tool_use'. Send the assistant's turn with the call "
            "before its result.",
        )


def _tool_result(block: JsonObject, place: str) -> tuple[JsonObject, list[JsonObject]]:
    """Return the message, and its images and documents: a chat message with a tool's result has
    text only, so they go to the user message that follows."""
    id_ = text_field(block, "tool_use_id", place)
    parts = parts_of(block.get("content"), f"{place}.content")
    texts = [part for part in parts if part["type"] == "text"]
    others = [part for part in parts if part["type"] != "text"]
    if block.get("is_error") is True:
        texts.insert(0, {"type": "text", "text": FAILED})
    if others:
        texts.append({"type": "text", "text": "Its attachments follow in the next message."})
        others.insert(0, {"type": "text", "text": f"Attachments of the tool result {id_}:"})
    if texts:
        texts[-1] = marked(texts[-1], block)
    content = as_content(texts) if texts else ""
    return {"role": "tool", "tool_call_id": id_, "content": content}, others


def _assistant(content: JsonValue, place: str) -> JsonObject:
    said: list[JsonObject] = []
    calls: list[JsonValue] = []
    signed: list[JsonValue] = []
    unsigned = MessagePieces()
    for where, block in blocks_of(content, place):
        kind = block.get("type")
        if kind == "tool_use":
            calls.append(_tool_call(block, where))
        elif kind in _THOUGHTS:
            signed += _signed(block, where)
            unsigned.add(_unsigned(block))
        else:
            said += block_parts(block, where)
    message: JsonObject = {"role": "assistant", "content": as_content(said) if said else None}
    if signed:
        message["thinking_blocks"] = signed
    if calls:
        message["tool_calls"] = calls
    message |= unsigned.whole()
    return message if calls or said else {**message, "content": ""}


def _tool_call(block: JsonObject, place: str) -> JsonObject:
    given = block.get("input", {})
    if not isinstance(given, dict):
        raise invalid(f"{place}.input", "must be an object.")
    function: JsonObject = {
        "name": text_field(block, "name", place),
        "arguments": json.dumps(given, ensure_ascii=False),
    }
    call: JsonObject = {
        "id": text_field(block, "id", place),
        "type": "function",
        "function": function,
    }
    return marked(call, block)


def _signed(block: JsonObject, place: str) -> list[JsonValue]:
    """Return a thought that its provider can verify."""
    if block["type"] == "redacted_thinking":
        return [{"type": "redacted_thinking", "data": text_field(block, "data", place)}]
    thinking, signature = text_field(block, "thinking", place), block.get("signature")
    if not signature or not isinstance(signature, str) or signature in THOUGHT_FIELDS:
        return []
    return [{"type": "thinking", "thinking": thinking, "signature": signature}]


def _unsigned(block: JsonObject) -> JsonObject:
    name, thinking = block.get("signature"), block.get("thinking")
    if name not in THOUGHT_FIELDS or not isinstance(name, str) or not isinstance(thinking, str):
        return {}
    return {name: thinking}
