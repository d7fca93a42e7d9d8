"""Response schemas for the OpenAPI document. They are not used for validation."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.api.openapi_explanation import DecisionExplanation
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.request_record import Attempt, RequestStatus
from route_switch.domain.sessions import Move
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.tiers import Tier
from route_switch.services.operations.sum_costs import GroupBy

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
    both are null otherwise. `session` says what would become of the conversation's session, and
    `session_saved_usd` what that is expected to save, further turns included."""

    tier: Tier
    reason: Reason
    model: str
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


class Result(BaseModel):
    """The record of a request. Texts are stored, hashed or omitted, depending on the deployment. A
    cost is null when a price or the tokens are unknown. `baseline_cost_usd` is what Tier 3 would
    have cost; it is an estimate if `baseline_estimated` is true. Then the saving lies between
    `saved_usd_low` and `saved_usd_high`. `saving_basis` says what it rests on: `tier_3` (Tier 3's
    own model answered), the `configured` or `measured` length of Tier 3's answers, or `prior` (not
    measured yet). If the saving is null, it says why: `no_answer`, `no_tokens` or `no_price`.

    In shadow, `shadow_reason` says how routing decided beside the answer, `shadow_tier` which tier
    it chose, and `shadow_cost_usd` what the request would have cost.

    `session` says what became of the conversation's session, and `session_saved_usd` what that is
    expected to save, further turns included. Both are absent where they do not apply."""

    request_id: str
    key_id: str
    created_at: datetime
    status: RequestStatus
    tier: Tier
    decided_tier: Tier
    routed_tier: Tier | None
    reason: Reason
    model: str | None
    provider_model: str | None
    prompt_version: str
    why: str
    shadow_tier: Tier | None
    shadow_reason: ShadowReason | None
    shadow_cost_usd: float | None
    attempts: list[Attempt]
    query_tokens: int
    router_tokens: int
    latency_ms: float
    routing_ms: float
    cost_usd: float | None
    router_cost_usd: float | None
    baseline_cost_usd: float | None
    baseline_estimated: bool
    saved_usd: float | None
    saved_usd_low: float | None
    saved_usd_high: float | None
    saving_basis: SavingBasis
    session: Move | None = None
    session_saved_usd: float | None = None
    user: str | None
    query_text: str | None
    answer_text: str | None


class Remaining(BaseModel):
    """A copy that could not be deleted, and what to do about it."""

    place: str
    what_to_do: str


class DeletedResult(BaseModel):
    """`pending` learning runs hold its text until they end."""

    id: str
    object: Literal["result.deleted"]
    deleted: Literal[True]
    pending: list[str]
    remains: list[Remaining]


class DeletedUser(BaseModel):
    """If not `complete`, the same call again deletes more."""

    user: str
    object: Literal["user.deleted"]
    deleted_results: int
    complete: bool
    pending: list[str]
    remains: list[Remaining]


class Feedback(BaseModel):
    """`text_kept` is null when no text was sent."""

    object: Literal["feedback"]
    request_id: str
    score: Annotated[float, Field(ge=0, le=1)]
    adequate: bool
    text_kept: bool | None


class CostSums(BaseModel):
    """USD and numbers of requests. null means unknown. The saving lies between `saved_usd_low` and
    `saved_usd_high`; `estimated` is true if any answer's saving is an estimate. `saving_basis`
    counts answers by what their saving rests on, or why it is unknown."""

    requests: int | None
    answered: int | None
    failed: int | None
    dry_runs: int | None
    spent_usd: float
    router_usd: float | None
    learning_usd: float | None
    baseline_estimated_usd: float | None
    saved_estimated_usd: float | None
    saved_usd_low: float | None
    saved_usd_high: float | None
    estimated: bool | None
    saving_basis: dict[SavingBasis, int] | None
    requests_without_cost: int | None
    requests_without_baseline: int | None
    requests_without_saving: int | None
    input_tokens: int | None
    cached_input_tokens: int | None
    cache_write_tokens: int | None


class CostsRow(CostSums):
    """Named by the `group_by` field; a key by `key_id`, `name` and `tags`."""

    day: date | None = None
    tier: Literal["1", "2", "3", "router"] | None = None
    model: str | None = None
    key_id: str | None = None
    name: str | None = None
    tags: dict[str, str] | None = None


class Costs(BaseModel):
    """`total` covers the whole range, however it is grouped. `note` explains the figures."""

    object: Literal["costs"]
    first: Annotated[date, Field(alias="from")]
    to: date
    group_by: GroupBy
    total: CostSums
    data: list[CostsRow]
    note: str


class _PromptFacts(BaseModel):
    version: str
    digest: str | None
    bytes: int
    written_at: datetime | None
    written_by: str | None
    valid: bool
    reason: str | None


class PromptVersion(_PromptFacts):
    """`valid` is false when the version cannot be served; `reason` says why. `version` is the name
    in records. Only `live@…` versions have an author and a time."""

    object: Literal["prompt.version"]


class Prompt(_PromptFacts):
    """`document` is the routing prompt in its editable form, `serving` the version being served."""

    object: Literal["prompt"]
    document: str
    serving: str


class PromptHistory(BaseModel):
    """Stored versions, newest first."""

    object: Literal["list"]
    data: list[PromptVersion]


class Health(BaseModel):
    status: Literal["ok"]
