"""Requests of the OpenAI chat completion API."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.api.client_call import MAX_USER_LENGTH, ClientCall
from route_switch.api.json_body import parse_object, validated
from route_switch.api.protocols.chat_completions.chat_schema import (
    COMBINATIONS,
    REFUSED_FIELDS,
    TOOL_TYPES,
)
from route_switch.api.route_options import RouteOptions, Whole, check_options
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject

OWN_FIELDS = frozenset({"model", "messages", "stream", "stream_options", "route_switch"})
"""Request fields for the router, which are not passed to the tier's model."""

WHOLE_NUMBERS = ("max_tokens", "max_completion_tokens", "n", "seed")
"""Fields that are converted to integers, because they bound the cost of a request."""

MAX_TOKENS = 10_000_000
"""More than any model writes."""


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    include_usage: bool | None = None


class ContentPart(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    type: str


class Message(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    tool_calls: list[dict[str, JsonValue]] | None = None


class ChatRequest(BaseModel):
    """The validated fields of a request. Others reach the model if they are known."""

    model_config = ConfigDict(extra="allow", strict=True, json_schema_extra={"allOf": COMBINATIONS})

    model: Annotated[str, Field(max_length=200)] = "auto"
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Annotated[str, Field(min_length=1, max_length=MAX_USER_LENGTH)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128), Whole] | None = None
    seed: Annotated[int, Whole] | None = None
    stop: str | list[str] | None = None
    tools: list[dict[str, JsonValue]] | None = None
    response_format: dict[str, JsonValue] | None = None
    logprobs: bool | None = None
    metadata: dict[str, JsonValue] | None = None
    service_tier: Literal["auto", "default"] | None = None
    route_switch: RouteOptions = RouteOptions()


def parse_chat_request(body: bytes) -> ClientCall:
    """Validate a request that already has the routed form. Raise `RequestRefusedError`."""
    content = parse_object(body)
    refuse_owner_fields(content)
    request = validated(ChatRequest, content, _advice, "the OpenAI chat completion API")
    check_options(request.route_switch, stream=bool(request.stream))
    _check_stream_options(request)
    _check_tools(request)
    content |= {name: getattr(request, name) for name in WHOLE_NUMBERS if name in content}
    options, messages = request.stream_options, content["messages"]
    return ClientCall(
        content=content,
        messages=tuple(m for m in messages if isinstance(m, dict))
        if isinstance(messages, list)
        else (),
        params={name: value for name, value in content.items() if name not in OWN_FIELDS},
        options=request.route_switch,
        model=request.model,
        user=request.user,
        stream=bool(request.stream),
        include_usage=bool(options and options.include_usage),
    )


def refuse_owner_fields(content: JsonObject) -> None:
    """Raise `RequestRefusedError` for fields that only the owner may set, in any protocol."""
    for name in REFUSED_FIELDS:
        if name in content:
            raise RequestRefusedError(
                f"'{name}' is set by the owner and cannot be set by a request. Remove it.",
                code="unsupported_parameter",
                param=name,
            )


def _check_stream_options(request: ChatRequest) -> None:
    if request.stream_options is not None and not request.stream:
        raise RequestRefusedError(
            "'stream_options' requires 'stream': true. Set it, or remove 'stream_options'.",
            code="invalid_value",
            param="stream_options",
        )


def _check_tools(request: ChatRequest) -> None:
    for place, tool in enumerate(request.tools or ()):
        if tool.get("type") not in TOOL_TYPES:
            raise RequestRefusedError(
                f"'tools[{place}]' must have the type 'function' or 'custom': other tools run at a "
                "provider, at a price of their own. Send a function, and run it in the client.",
                code="unsupported_parameter",
                param=f"tools[{place}]",
            )


def _advice(param: str, _: str) -> str | None:
    """Return a better message than the validator's, where it knows one."""
    if re.fullmatch(r"messages\[\d+\]\.content", param):
        return f"'{param}' must be a text or a list of content parts, each with a 'type'."
    if re.fullmatch(r"messages\[\d+\]\.content\[\d+\](\.type)?", param):
        return (
            f"'{param.removesuffix('.type')}' is not a content part: it needs a 'type', such as "
            '{"type": "text", "text": "…"}.'
        )
    return None
