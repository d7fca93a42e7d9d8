"""A dialect's whole answer as the events in which the same provider would stream it."""

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any
from zlib import crc32

from pydantic import JsonValue

from route_switch.adapters.models.openai_message import FAILED
from tests.support.upstream import DONE

Body = dict[str, Any]


Events = list[JsonValue | bytes]


def of_openai(body: JsonValue) -> Events | None:
    """Return the events; None for a body that is no answer with choices, or whose failure would
    come after the answer has begun."""
    given = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(given, list):
        return None
    choices = [choice for choice in given if isinstance(choice, dict)]
    if len(choices) > 1 and len({str(choice.get("index")) for choice in choices}) == 1:
        return None  # their pieces could not be told apart
    if not all(map(_is_whole, choices)):
        return None
    common = {name: value for name, value in body.items() if name not in ("choices", "usage")}
    events: Events = [
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


def of_anthropic(body: JsonValue) -> Events | None:
    """Return the events of Anthropic's messages API."""
    if not isinstance(body, dict) or not isinstance(body.get("content"), list):
        return None
    whole: Body = {**body}
    start = {**whole, "content": [], "stop_reason": None}
    stop = {"stop_reason": whole.get("stop_reason"), "stop_sequence": None}
    events: list[Body] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(whole["content"]):
        events += [{"index": index, **event} for event in _block(block)]
    events += [
        {"type": "message_delta", "delta": stop, "usage": whole.get("usage")},
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def _block(block: Body) -> Iterator[Body]:
    kind = block["type"]
    empty: dict[str, Body] = {
        "text": {"text": ""},
        "tool_use": {"input": {}},
        "thinking": {"thinking": ""},
    }
    yield {"type": "content_block_start", "content_block": {**block, **empty.get(kind, {})}}
    match kind:
        case "text":
            deltas = [{"type": "text_delta", "text": block["text"]}]
        case "tool_use":
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        case "thinking":
            deltas = [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block.get("signature", "")},
            ]
        case _:
            deltas = []
    yield from ({"type": "content_block_delta", "delta": delta} for delta in deltas)
    yield {"type": "content_block_stop"}


def of_bedrock(body: JsonValue) -> Events | None:
    """Return the events of `converse_stream` in AWS's binary form."""
    if not isinstance(body, dict) or "output" not in body:
        return None
    whole: Body = {**body}
    blocks = whole["output"].get("message", {}).get("content")
    if blocks is None or str(whole.get("stopReason")).startswith("malformed"):
        return None
    events: list[tuple[str, Body]] = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(blocks):
        events += [(kind, {"contentBlockIndex": index, **event}) for kind, event in _parts(block)]
    events.append(("messageStop", {"stopReason": whole.get("stopReason", "end_turn")}))
    if "usage" in whole:
        events.append(("metadata", {"usage": whole["usage"], "metrics": {"latencyMs": 7}}))
    return [_message(kind, event) for kind, event in events]


def _parts(block: Body) -> Iterator[tuple[str, Body]]:
    if use := block.get("toolUse"):
        start = {"toolUseId": use.get("toolUseId"), "name": use.get("name")}
        yield "contentBlockStart", {"start": {"toolUse": start}}
        text = json.dumps(use.get("input", {}))
        yield "contentBlockDelta", {"delta": {"toolUse": {"input": text[:3]}}}
        yield "contentBlockDelta", {"delta": {"toolUse": {"input": text[3:]}}}
    elif thought := block.get("reasoningContent", {}).get("reasoningText"):
        yield "contentBlockDelta", {"delta": {"reasoningContent": {"text": thought["text"]}}}
        if signature := thought.get("signature"):
            yield "contentBlockDelta", {"delta": {"reasoningContent": {"signature": signature}}}
    elif redacted := block.get("reasoningContent", {}).get("redactedContent"):
        yield "contentBlockDelta", {"delta": {"reasoningContent": {"redactedContent": redacted}}}
    elif cited := block.get("citationsContent"):
        for part in cited["content"]:
            yield "contentBlockDelta", {"delta": {"text": part["text"]}}
    elif said := block.get("text"):
        yield "contentBlockDelta", {"delta": {"text": said[:3]}}
        yield "contentBlockDelta", {"delta": {"text": said[3:]}}
    yield "contentBlockStop", {}


def _message(kind: str, event: Body) -> bytes:
    """Encode a message of application/vnd.amazon.eventstream."""
    headers = b"".join(
        struct.pack("!B", len(name)) + name + struct.pack("!BH", 7, len(value)) + value
        for name, value in (
            (b":event-type", kind.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    payload = json.dumps(event).encode()
    prelude = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    head = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return head + struct.pack("!I", crc32(head))


FORMS = {"openai": of_openai, "anthropic": of_anthropic, "bedrock": of_bedrock}


def can_stream(form: str, answers: Iterable[JsonValue]) -> bool:
    """Whether a provider of this form would stream any of the answers."""
    return any(FORMS[form](answer) is not None for answer in answers)
