"""The settings of a Responses request as fields of a chat request."""

from pydantic import JsonValue

from route_switch.api.protocols.responses.response_refusals import (
    INCLUDES,
    invalid,
    unsupported,
)
from route_switch.domain.ports import JsonObject

_TRANSLATED = frozenset(
    {
        *("input", "instructions", "max_output_tokens", "reasoning", "text", "tools"),
        *("tool_choice", "parallel_tool_calls", "include", "top_logprobs", "n"),
    }
)
_NOT_PASSED_ON = frozenset(
    {
        *("model", "stream", "stream_options", "route_switch", "user"),
        *("store", "background", "truncation", "max_tool_calls", "client_metadata"),
        *("previous_response_id", "conversation", "prompt", "context_management", "moderation"),
    }
)
"""Fields for the router, and fields that no model has to know."""


def chat_params(content: JsonObject) -> JsonObject:
    """Return all fields except messages and tools. Fields that this API does not know are kept, as
    those of a chat request are."""
    known = _TRANSLATED | _NOT_PASSED_ON
    params: JsonObject = {k: v for k, v in content.items() if k not in known and v is not None}
    if content.get("user") is not None:
        params["user"] = content["user"]
    if (limit := content.get("max_output_tokens")) is not None:
        params["max_completion_tokens"] = limit
    return params | _reasoning(content) | _text(content) | _logprobs(content)


def includes(content: JsonObject, name: str) -> bool:
    include = content.get("include")
    return isinstance(include, list) and name in include


def _reasoning(content: JsonObject) -> JsonObject:
    match content.get("reasoning"):
        case {"effort": str(effort)}:
            return {"reasoning_effort": effort}
    return {}


def _text(content: JsonObject) -> JsonObject:
    text, params = content.get("text"), JsonObject()
    if not isinstance(text, dict):
        return params
    if (verbosity := text.get("verbosity")) is not None:
        params["verbosity"] = verbosity
    form = _response_format(text.get("format"))
    return params if form is None else {**params, "response_format": form}


def _response_format(given: JsonValue) -> JsonObject | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise invalid("text.format", 'must be a format, such as {"type": "json_object"}')
    match given:
        case {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {"type": "json_object"}
        case {"type": "json_schema", "name": str(), "schema": dict()}:
            names = ("name", "description", "schema", "strict")
            schema: JsonObject = {n: given[n] for n in names if given.get(n) is not None}
            return {"type": "json_schema", "json_schema": schema}
        case {"type": "json_schema"}:
            raise invalid("text.format", "must have a 'name' and a 'schema'")
    raise unsupported("text.format", "the formats are text, json_object and json_schema. Send one")


def _logprobs(content: JsonObject) -> JsonObject:
    include, top = content.get("include"), content.get("top_logprobs")
    for name in include if isinstance(include, list) else ():
        if name not in INCLUDES:
            raise unsupported(
                "include",
                f"it may ask for {' and '.join(INCLUDES)}; this router runs no tools and stores "
                "nothing that the rest could show. Leave the other values out",
            )
    if not top and not includes(content, INCLUDES[1]):
        return {}
    return {"logprobs": True} | ({"top_logprobs": top} if top else {})
