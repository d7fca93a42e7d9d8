"""Response schemas for the OpenAPI document: what applications get, apart from the answers of other
protocols. They are not used for validation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from route_switch.api.openapi_explanation import DecisionExplanation
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.profiles import Profile
from route_switch.domain.sessions import Move
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.tiers import Tier

TierName = Literal["1", "2", "3"]


class ErrorDetail(BaseModel):
    """`code` is for programs, `message` for people. `param` is the invalid field, parameter or
    header."""

    message: str
    type: str
    param: str | None
    code: str | None


class Error(BaseModel):
    """An error in OpenAI's format. API Gateway's own errors also have what Anthropic's format
    needs."""

    error: ErrorDetail
    type: Literal["error"] | None = None
    request_id: str | None = None


class Decision(BaseModel):
    """Which tier a query goes to, and the estimated cost of each eligible tier; null when a price
    is unknown. In shadow, `shadow_tier` is the tier that routing chooses, and `shadow_reason` how;
    both are null otherwise. `session` says what would happen to the conversation's session, and
    `session_saved_usd` what that is expected to save, including further turns."""

    tier: Tier
    reason: Reason
    model: str
    profile: Profile
    prompt_version: str
    router_tokens: int
    shadow_tier: Tier | None
    shadow_reason: ShadowReason | None
    session: Move | None
    session_saved_usd: float | None
    estimated_cost_usd: dict[TierName, float | None]
    explanation: DecisionExplanation


class RouteDecision(Decision):
    """`assumed_output_tokens` is the answer length that the estimates assume. `why` is the routing
    strategy's reason. A query with fewer than `bypass_tokens` estimated tokens goes to Tier 1
    without a router call; 0 means that none does."""

    id: str
    object: Literal["route"]
    why: str
    query_tokens: int
    bypass_tokens: int
    assumed_output_tokens: int


class CompletionUsage(BaseModel):
    """Usage as the provider reports it, including cached and reasoning tokens."""

    model_config = ConfigDict(extra="allow")

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AssistantMessage(BaseModel):
    """The message as the provider returned it: `content`, `tool_calls`, `refusal`, …"""

    model_config = ConfigDict(extra="allow")

    role: Literal["assistant"]


class CompletionChoice(BaseModel):
    index: int
    message: AssistantMessage
    logprobs: JsonValue
    finish_reason: str


class ChatCompletion(BaseModel):
    """`model` is the model that answered. A dry run has `route_switch` instead of choices."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None
    route_switch: Decision | None = None


class ChunkChoice(BaseModel):
    index: int
    delta: dict[str, JsonValue]
    logprobs: JsonValue
    finish_reason: str | None


class StreamCosts(BaseModel):
    """What is known at the end of a streamed answer. An amount is null if a price or the tokens are
    unknown."""

    tier: Tier
    reason: Reason
    model: str | None
    cost_usd: float | None
    saved_usd: float | None
    saving_basis: SavingBasis
    session: Move | None = None
    session_saved_usd: float | None = None


class ChatCompletionChunk(BaseModel):
    """The data of a stream event. The first chunk has the role, the last one a `finish_reason`. If
    requested, a chunk with `usage` and no choices follows. The last chunk has `route_switch`. An
    answer that breaks off ends with the data of an error instead."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None
    route_switch: StreamCosts | None = None


class Model(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """`auto`, the tiers' aliases, and the tier models that the key may name."""

    object: Literal["list"]
    data: list[Model]


class Health(BaseModel):
    status: Literal["ok"]
