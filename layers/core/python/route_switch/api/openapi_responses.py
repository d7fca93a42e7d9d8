"""The Responses API and legacy completions in the OpenAPI document: routes and answers."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.api.openapi_answers import CompletionUsage, Decision, StreamCosts
from route_switch.api.openapi_operations import OF_REQUEST, Operation
from route_switch.api.openapi_parts import ANSWERED


class OutputItem(BaseModel):
    """A message, reasoning, or a call of a tool that the client runs."""

    model_config = ConfigDict(extra="allow")

    type: Literal["message", "reasoning", "function_call", "custom_tool_call", "tool_search_call"]
    id: str


class CachedTokens(BaseModel):
    cached_tokens: int
    cache_write_tokens: int


class ReasoningTokens(BaseModel):
    reasoning_tokens: int


class ResponseUsage(BaseModel):
    input_tokens: int
    input_tokens_details: CachedTokens
    output_tokens: int
    output_tokens_details: ReasoningTokens
    total_tokens: int


class ResponseCosts(StreamCosts):
    """`left_out` names parts of the request that were not passed on."""

    left_out: list[str] | None = None


class OpenAIResponse(BaseModel):
    """`model` is the model that answered; most other fields repeat the request. `route_switch` has
    the costs; a dry run has the decision there, and no output."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    error: dict[str, JsonValue] | None
    incomplete_details: dict[str, JsonValue] | None
    model: str | None
    output: list[OutputItem]
    usage: ResponseUsage | None
    route_switch: ResponseCosts | Decision | None = None


class OpenAIResponseEvent(BaseModel):
    """The data of a stream event; its `type` is the event's name. The last event,
    `response.completed`, `response.incomplete` or `response.failed`, has the whole response."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(pattern=r"^(error|response\..+)$")]
    sequence_number: int


class TextChoice(BaseModel):
    text: str
    index: int
    logprobs: dict[str, JsonValue] | None
    finish_reason: Literal["stop", "length", "content_filter"] | None


class TextCompletion(BaseModel):
    """A whole answer, or a chunk of a stream. The last chunk has `route_switch`, and so has a dry
    run."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice]
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None
    route_switch: StreamCosts | Decision | None = None


RESPONSES_ANSWERS: tuple[type[BaseModel], ...] = (
    OpenAIResponse,
    OpenAIResponseEvent,
    TextCompletion,
)
_LINKS = {"getResult": OF_REQUEST, "deleteResult": OF_REQUEST}
_BELOW = "/v1/responses/{id}"
_NOTHING = "Say that no response is stored"
RESPONSES_OPERATIONS = (
    Operation(
        "POST",
        "/v1/responses",
        "createResponse",
        "chat",
        "The same in the shapes of OpenAI's Responses API",
        "OpenAIResponse",
        (400, 401, 403, 404, 409, 413),
        ("debug", "profile", "idempotency-key"),
        body="ResponsesRequest",
        headers=ANSWERED,
        event="OpenAIResponseEvent",
        links=_LINKS,
    ),
    *(
        Operation(
            method, _BELOW, name, "chat", _NOTHING, None, (401, 404), ("response",), answers=False
        )
        for method, name in (
            ("GET", "getResponse"),
            ("POST", "changeResponse"),
            ("DELETE", "deleteResponse"),
        )
    ),
    Operation(
        "POST",
        "/v1/completions",
        "createCompletion",
        "chat",
        "The same in the shapes of OpenAI's legacy completion API",
        "TextCompletion",
        (400, 401, 403, 404, 409, 413),
        ("debug", "profile", "idempotency-key"),
        body="CompletionRequest",
        headers=ANSWERED,
        event="TextCompletion",
        links=_LINKS,
    ),
)
