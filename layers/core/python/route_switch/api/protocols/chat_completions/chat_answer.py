"""Whole responses of the OpenAI chat completion API."""

from pydantic import JsonValue

from route_switch.api.client_call import ClientCall
from route_switch.domain.completion import Completion
from route_switch.domain.ports import JsonObject
from route_switch.domain.tier_parameters import model_of
from route_switch.services.inbound_request import RoutedRequest


def completion_body(routed: RoutedRequest, _: ClientCall) -> JsonObject:
    """Return the answer as an OpenAI chat completion; without choices if no model was called."""
    completion = routed.completion
    choices: list[JsonValue] = [
        {
            **choice.extra,
            "index": choice.index,
            "message": choice.message,
            "logprobs": choice.logprobs,
            "finish_reason": choice.finish_reason,
        }
        for choice in (completion.choices if completion else ())
    ]
    extra = completion.extra if completion else {}
    body = {**extra, **envelope(routed, "chat.completion"), "choices": choices}
    if completion is None:
        body["usage"] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    elif completion.usage:
        body["usage"] = usage_body(completion)
    return body


def usage_body(completion: Completion) -> JsonObject:
    """Return the provider's usage if it is in OpenAI's format; otherwise build it from the known
    counts."""
    usage = completion.usage
    if usage is None or completion.provider_usage is not None:
        return completion.provider_usage or {}
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
    }


def envelope(routed: RoutedRequest, kind: str) -> JsonObject:
    """Return the fields that an answer and all of its chunks share."""
    completion = routed.completion
    common: JsonObject = {
        "id": routed.record.request_id,
        "object": kind,
        "created": int(routed.record.created_at.timestamp()),
        "model": routed.record.model and model_of(routed.record.model),
    }
    if completion and completion.system_fingerprint is not None:
        common["system_fingerprint"] = completion.system_fingerprint
    return common
