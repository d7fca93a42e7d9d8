"""Requests of OpenAI's Responses API."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.api.client_call import MAX_USER_LENGTH, ClientCall
from route_switch.api.json_body import parse_object, validated
from route_switch.api.protocols.chat_completions.chat_request import (
    MAX_TOKENS,
    refuse_owner_fields,
)
from route_switch.api.protocols.responses.response_input import chat_messages
from route_switch.api.protocols.responses.response_params import chat_params
from route_switch.api.protocols.responses.response_refusals import CONSTRAINTS, refuse_fields
from route_switch.api.protocols.responses.response_tool_choice import tool_params
from route_switch.api.protocols.responses.response_tools import offered_tools
from route_switch.api.route_options import RouteOptions, Whole, check_options


class ReasoningSettings(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    effort: str | None = None
    summary: str | None = None


class TextSettings(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    format: dict[str, JsonValue] | None = None
    verbosity: str | None = None


class ResponsesRequest(BaseModel):
    """The validated fields of a request. docs/protocols.md lists which items, parts and tools are
    kept. Fields that this API does not have reach the model if they are known."""

    model_config = ConfigDict(extra="allow", strict=True, json_schema_extra={"allOf": CONSTRAINTS})

    model: Annotated[str, Field(max_length=200)] = "auto"
    input: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[dict[str, JsonValue]], Field(min_length=1)]
    )
    instructions: str | None = None
    stream: bool | None = None
    stream_options: dict[str, JsonValue] | None = None
    user: Annotated[str, Field(min_length=1, max_length=MAX_USER_LENGTH)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None
    max_tool_calls: Annotated[int, Field(ge=1), Whole] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20), Whole] | None = None
    tools: list[dict[str, JsonValue]] | None = None
    tool_choice: str | dict[str, JsonValue] | None = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningSettings | None = None
    text: TextSettings | None = None
    include: list[str] | None = None
    metadata: dict[str, JsonValue] | None = None
    service_tier: Literal["auto", "default"] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    store: bool | None = None
    background: bool | None = None
    route_switch: RouteOptions = RouteOptions()


def parse_response_request(body: bytes) -> ClientCall:
    """Validate and translate the request. Raise `RequestRefusedError`."""
    content = parse_object(body, "input")
    refuse_owner_fields(content)
    refuse_fields(content)
    request = validated(ResponsesRequest, content, _advice, "the OpenAI Responses API")
    check_options(request.route_switch, stream=bool(request.stream))
    for name in ("max_output_tokens", "top_logprobs"):
        if name in content:
            content[name] = getattr(request, name)
    tools = offered_tools(content)
    messages, left_out = chat_messages(content)
    return ClientCall(
        content=content,
        messages=messages,
        params=chat_params(content) | tool_params(content, tools),
        options=request.route_switch,
        model=request.model,
        user=request.user,
        stream=bool(request.stream),
        tools=tools.names,
        left_out=(*tools.left_out, *left_out),
    )


def _advice(param: str, _: str) -> str | None:
    """Return a better message than the validator's, where it knows one."""
    if param == "input":
        return "'input' must be a text or a list of items, and not empty."
    return None
