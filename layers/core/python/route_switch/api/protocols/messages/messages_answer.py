"""Whole answers of Anthropic's Messages API."""

import json
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.api.protocols.messages.turns import THOUGHT_FIELDS
from route_switch.domain.completion import Choice
from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.ports import JsonObject
from route_switch.domain.tier_parameters import model_of
from route_switch.domain.usage import Usage
from route_switch.services.inbound_request import RoutedRequest

STOP_REASONS = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
"""Every other reason is the end of the turn."""


def message_body(routed: RoutedRequest, call: ClientCall) -> JsonObject:
    """Return the answer as a message; without content if no model was called."""
    completion = routed.completion
    choice = completion.choices[0] if completion else None
    reason, sequence = (None, None) if choice is None else stop_of(choice, call)
    return {
        **empty_message(routed),
        "content": []
        if choice is None
        else [*content_blocks(choice.message, routed.record.request_id)],
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": usage_body(completion.usage if completion else None),
    }


def empty_message(routed: RoutedRequest) -> JsonObject:
    """Return the message with which a stream begins."""
    return {
        "id": routed.record.request_id,
        "type": "message",
        "role": "assistant",
        "model": routed.record.model and model_of(routed.record.model),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_body(None),
    }


def usage_body(usage: Usage | None) -> JsonObject:
    """Count cached input apart, as Anthropic does. Unknown numbers are 0."""
    usage = usage or Usage(0, 0)
    cached, written = usage.cached_input_tokens, usage.cache_write_tokens
    return {
        "input_tokens": usage.input_tokens - cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }


def stop_of(choice: Choice, call: ClientCall) -> tuple[str, str | None]:
    """Return the reason to stop, and the stop sequence if the server says which one it was."""
    stops, said = call.params.get("stop"), choice.extra.get("stop_reason")
    if isinstance(stops, list) and isinstance(said, str) and said in stops:
        return "stop_sequence", said
    if choice.message.get("refusal") and choice.finish_reason == "stop":
        return "refusal", None
    return STOP_REASONS.get(choice.finish_reason, "end_turn"), None


def content_blocks(message: Mapping[str, JsonValue], request_id: str) -> Iterator[JsonObject]:
    """Yield thoughts, text and tool calls, in this order."""
    yield from thoughts_of(message)
    for name in ("content", "refusal"):
        if text := message.get(name):
            yield {"type": "text", "text": str(text)}
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            yield _tool_use(str(call.get("id")), call.get("function"))
    if function := message.get("function_call"):
        yield _tool_use(id_of_function_call(request_id), function)


def id_of_function_call(request_id: str) -> str:
    """Return an id for a call in OpenAI's old form, which has none."""
    return f"call_{request_id[-8:]}"


def thoughts_of(message: Mapping[str, JsonValue]) -> Iterator[JsonObject]:
    """Yield signed thoughts, or else the unsigned one."""
    signed = message.get("thinking_blocks")
    blocks = [b for b in signed if isinstance(b, dict)] if isinstance(signed, list) else []
    for block in blocks:
        if block.get("type") == "redacted_thinking":
            yield {"type": "redacted_thinking", "data": str(block.get("data") or "")}
        else:
            yield thought(block.get("thinking"), block.get("signature"))
    if not blocks:
        for name in THOUGHT_FIELDS:
            if isinstance(text := message.get(name), str) and text:
                yield thought(text, name)
                return


def thought(text: JsonValue, signature: JsonValue) -> JsonObject:
    return {"type": "thinking", "thinking": str(text or ""), "signature": str(signature or "")}


def _tool_use(id_: str, function: JsonValue) -> JsonObject:
    of = function if isinstance(function, dict) else {}
    return {
        "type": "tool_use",
        "id": id_,
        "name": str(of.get("name") or ""),
        "input": _input(of.get("arguments")),
    }


def _input(arguments: JsonValue) -> JsonObject:
    """Return a tool's input, which must be an object. An invalid input is passed on in Anthropic's
    form for it, so that the tool can report it."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    try:
        parsed = parse_json(text)
    except InvalidJsonError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"INVALID_JSON": text}
