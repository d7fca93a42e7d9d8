"""The body of a response: the request's settings, the answer, and its usage."""

from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.api.protocols.responses.response_output import ResponseOutput
from route_switch.api.protocols.responses.response_params import includes
from route_switch.api.protocols.responses.response_refusals import INCLUDES
from route_switch.api.route_answer import costs_body
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.tier_parameters import model_of
from route_switch.domain.usage import Usage
from route_switch.services.inbound_request import RoutedRequest

ID_PREFIX = "resp_"
MAX_NOTES = 20
"""The most notes about parts that were left out of a request."""
_REPEATED = (
    *("instructions", "max_output_tokens", "max_tool_calls", "prompt_cache_key"),
    *("prompt_cache_retention", "safety_identifier", "temperature", "top_p", "user"),
)
"""Settings that a response repeats, null where the request has none."""
_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
_NOTHING = Usage(0, 0)


def response_answer(routed: RoutedRequest, call: ClientCall) -> JsonObject:
    """Return the answer as a response; without output, if no model was called."""
    completion = routed.completion
    if completion is None:
        return ended_body(routed, call, [], "stop") | {"usage": _usage(_NOTHING)}
    output = new_output(routed, call)
    for choice in completion.choices[:1]:
        output.of(Chunk(choice.message, 0, choice.finish_reason, choice.logprobs))
    output.end()
    return ended_body(routed, call, output.snapshot, output.finish_reason)


def new_output(routed: RoutedRequest, call: ClientCall) -> ResponseOutput:
    """Return the output of an answer that is about to begin."""
    return ResponseOutput(
        routed.record.request_id.removeprefix(ID_PREFIX),
        call.tools,
        keeps_state=includes(call.content, INCLUDES[0]),
    )


def begun_body(routed: RoutedRequest, call: ClientCall) -> JsonObject:
    """Return a response that has no output yet."""
    return _body(routed, call) | {"status": "in_progress", "output": [], "usage": None}


def failed_body(routed: RoutedRequest, call: ClientCall, error: JsonObject) -> JsonObject:
    return begun_body(routed, call) | {"status": "failed", "error": error}


def ended_body(
    routed: RoutedRequest, call: ClientCall, output: list[JsonValue], finish_reason: str
) -> JsonObject:
    """Return a response that has ended. `route_switch` has its costs, and what was left out of the
    request."""
    reason = _REASONS.get(finish_reason)
    usage = routed.completion and routed.completion.usage
    left_out: list[JsonValue] = [*call.left_out[:MAX_NOTES]]
    return {
        **_body(routed, call),
        "status": "completed" if reason is None else "incomplete",
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": output,
        "usage": _usage(usage) if usage else None,
        "route_switch": {**costs_body(routed), **({"left_out": left_out} if left_out else {})},
    }


def _body(routed: RoutedRequest, call: ClientCall) -> JsonObject:
    content, record = call.content, routed.record
    return {
        "id": record.request_id,
        "object": "response",
        "created_at": int(record.created_at.timestamp()),
        "error": None,
        "incomplete_details": None,
        "model": record.model and model_of(record.model),
        "previous_response_id": None,
        "background": False,
        "store": False,
        "truncation": "disabled",
        "service_tier": "default",
        **{name: content.get(name) for name in _REPEATED},
        "metadata": content.get("metadata") or {},
        "parallel_tool_calls": content.get("parallel_tool_calls") is not False,
        "reasoning": {"effort": None, "summary": None, **_object(content.get("reasoning"))},
        "text": {"format": {"type": "text"}, **_object(content.get("text"))},
        "tool_choice": content.get("tool_choice") or "auto",
        "tools": _repeated_tools(content.get("tools")),
        "top_logprobs": content.get("top_logprobs") or 0,
    }


def _object(value: JsonValue) -> JsonObject:
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else {}


def _repeated_tools(tools: JsonValue) -> list[JsonValue]:
    """Return the request's tools, functions with all fields that the API promises."""
    asked: JsonObject = {"description": None, "parameters": None, "strict": None}
    return [
        {**(asked if tool.get("type") == "function" else {}), **tool}
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict)
    ]


def _usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
