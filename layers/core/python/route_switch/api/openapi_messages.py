"""Response schemas of Anthropic's Messages API for the OpenAPI document. They are not used for
validation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from route_switch.api.openapi_answers import Decision, StreamCosts
from route_switch.api.openapi_operations import OF_REQUEST, Operation
from route_switch.api.openapi_parts import ANSWERED

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]


class MessagesErrorDetail(BaseModel):
    """`details` has `error_code` for programs, and `param`, the invalid field or header. In API
    Gateway's own errors, they are next to the message, as in OpenAI's format."""

    type: str
    message: str
    details: dict[str, str] | None = None
    code: str | None = None
    param: str | None = None


class MessagesError(BaseModel):
    """An error in Anthropic's format."""

    type: Literal["error"]
    error: MessagesErrorDetail
    request_id: str | None = None


class ThinkingTokens(BaseModel):
    thinking_tokens: int


class MessageUsage(BaseModel):
    """Input that was read from a cache or written to it is counted apart from `input_tokens`."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: ThinkingTokens


class MessageBlock(BaseModel):
    """A text, a thought with its signature, or a tool call with its input."""

    model_config = ConfigDict(extra="allow")

    type: Literal["text", "thinking", "redacted_thinking", "tool_use"]


class MessageAnswer(BaseModel):
    """`model` is the model that answered. A dry run has `route_switch` and no content."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[MessageBlock]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: MessageUsage
    route_switch: Decision | None = None


class MessageEvent(BaseModel):
    """The data of a stream event: `message_start`, then for each block `content_block_start`, its
    deltas and `content_block_stop`, then `message_delta` with usage and costs, and `message_stop`.
    An answer that breaks off ends with the data of an error instead."""

    model_config = ConfigDict(extra="allow")

    type: str
    index: int | None = None
    message: MessageAnswer | None = None
    content_block: MessageBlock | None = None
    delta: dict[str, JsonValue] | None = None
    usage: MessageUsage | None = None
    route_switch: StreamCosts | None = None


class TokenCount(BaseModel):
    """An estimate from the length of the texts."""

    input_tokens: int


MESSAGES_ANSWERS: tuple[type[BaseModel], ...] = (
    MessagesError,
    MessageAnswer,
    MessageEvent,
    TokenCount,
)
MESSAGES_OPERATIONS = (
    Operation(
        "POST",
        "/v1/messages",
        "createMessage",
        "chat",
        "The same in the shapes of Anthropic's Messages API",
        "MessageAnswer",
        (400, 401, 403, 404, 409, 413),
        ("debug", "profile", "idempotency-key"),
        body="MessagesRequest",
        headers=ANSWERED,
        event="MessageEvent",
        links={"getResult": OF_REQUEST, "deleteResult": OF_REQUEST},
        error="MessagesError",
    ),
    Operation(
        "POST",
        "/v1/messages/count_tokens",
        "countMessageTokens",
        "chat",
        "Estimate the input tokens of a message, without a call",
        "TokenCount",
        (400, 401, 413),
        body="CountTokensRequest",
        error="MessagesError",
    ),
)
