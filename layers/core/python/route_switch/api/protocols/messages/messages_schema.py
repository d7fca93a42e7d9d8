"""The fields of a request of Anthropic's Messages API, as far as they are validated by shape."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.api.client_call import MAX_USER_LENGTH
from route_switch.api.route_options import RouteOptions, Whole

MAX_TOKENS = 10_000_000
"""More than any model writes."""

REFUSED_FIELDS = {
    "mcp_servers": "The router connects to no MCP server. Let the client connect, and send its "
    "tools in 'tools'.",
    "container": "The router has no code execution. Run code in the client, as a tool.",
    "thread": "The router keeps no conversation. Send all of its messages.",
    "compaction": "The router does not shorten conversations. Let the client do it.",
    "fallbacks": "The owner of this router sets the fallbacks. Remove the field.",
    "fallback_credit_token": "It belongs to an account with Anthropic. Remove the field.",
    "billing_policy": "It belongs to an account with Anthropic. Remove the field.",
    "user_profile_id": "It belongs to an account with Anthropic. Remove the field.",
    "workspace_id": "It belongs to an account with Anthropic. Remove the field.",
    "inference_geo": "The owner of this router decides where models run. Remove the field.",
}
"""Fields whose effect cannot be kept, with what to do instead. Null counts as absent."""


class _Loose(BaseModel):
    """Validators are built for the first request that needs them, not in each cold start."""

    model_config = ConfigDict(extra="allow", strict=True, defer_build=True)


class Block(_Loose):
    """A content block. `type` says which further fields it has."""

    type: str


class MessageTurn(_Loose):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(_Loose):
    """A tool with an `input_schema`. Tools with another `type` run at Anthropic or need its
    models."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, JsonValue] | None = None
    strict: bool | None = None


class ToolChoice(_Loose):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class Thinking(_Loose):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None


class OutputFormat(_Loose):
    type: Literal["json_schema"]
    schema_: Annotated[dict[str, JsonValue], Field(alias="schema")]


Ignored = Annotated[JsonValue, Field(description="Accepted and left out")]
"""The answer is to the same request, with the whole conversation in sight and without a report on
caches. Claude Code sends `context_management` by default."""


class OutputConfig(_Loose):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class Metadata(_Loose):
    user_id: Annotated[str, Field(max_length=MAX_USER_LENGTH)] | None = None


class CountTokensRequest(BaseModel):
    """What a prompt consists of: everything that counts as input. `route_switch` is accepted, so
    that the same request can be counted and sent, and changes nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    model: Annotated[str, Field(max_length=200)] = "auto"
    messages: Annotated[list[MessageTurn], Field(min_length=1)]
    system: str | list[Block] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    cache_control: dict[str, JsonValue] | None = None
    speed: Literal["standard"] | None = None
    context_management: Ignored = None
    diagnostics: Ignored = None
    betas: Ignored = None
    route_switch: RouteOptions = RouteOptions()


class MessagesRequest(CountTokensRequest):
    """A request of Anthropic's Messages API. docs/protocols.md says what is kept and what is
    refused."""

    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole]
    stream: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=MAX_TOKENS), Whole] | None = None
    stop_sequences: list[str] | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
