"""The forms of what the API answers, for the OpenAPI document: nothing is checked with them."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.domain.decision import Reason
from route_switch.domain.request_record import Attempt, RequestStatus
from route_switch.domain.tiers import Tier
from route_switch.services.operations.sum_costs import GroupBy

TierNumber = Literal["1", "2", "3"]


class ErrorDetail(BaseModel):
    """`code` tells programs what happened, `message` people what to do; `param` is the field,
    parameter or header that is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class Error(BaseModel):
    """As OpenAI shapes errors."""

    error: ErrorDetail


class Decision(BaseModel):
    """Which tier a query goes to, and what each tier that may answer is likely to cost; null
    where a price is not known."""

    tier: Tier
    reason: Reason
    model: str
    prompt_version: str
    router_tokens: int
    estimated_cost_usd: dict[TierNumber, float | None]


class RouteDecision(Decision):
    """`assumed_output_tokens` is what the estimates assume of the answer's length."""

    id: str
    object: Literal["route"]
    assumed_output_tokens: int


class CompletionUsage(BaseModel):
    """As the provider reports it, cached and reasoning tokens included."""

    model_config = ConfigDict(extra="allow")

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AssistantMessage(BaseModel):
    """As the provider gave it: `content`, `tool_calls`, `refusal`, …"""

    model_config = ConfigDict(extra="allow")

    role: Literal["assistant"]


class CompletionChoice(BaseModel):
    index: int
    message: AssistantMessage
    logprobs: JsonValue
    finish_reason: str


class ChatCompletion(BaseModel):
    """`model` is the model that answered. A dry run has no choices, but `route_switch`."""

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


class ChatCompletionChunk(BaseModel):
    """What an event of a stream says. The first has the role, the last one a `finish_reason`;
    asked for, one with `usage` and no choices follows."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None


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
    """The record of a request. Texts are kept, hashed or absent as the owner chose; a cost is null
    where a price or the tokens are not known. `baseline_cost_usd` is what Tier 3 would have cost,
    an estimate where `baseline_estimated` says so."""

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
    user: str | None
    query_text: str | None
    answer_text: str | None


class Remaining(BaseModel):
    """What could not be deleted, and what somebody can do about it."""

    place: str
    what_to_do: str


class DeletedResult(BaseModel):
    """`pending` runs of learning hold its text until they end."""

    id: str
    object: Literal["result.deleted"]
    deleted: Literal[True]
    pending: list[str]
    remains: list[Remaining]


class DeletedUser(BaseModel):
    """Not `complete`: the same call again deletes more."""

    user: str
    object: Literal["user.deleted"]
    deleted_results: int
    complete: bool
    pending: list[str]
    remains: list[Remaining]


class Feedback(BaseModel):
    """`text_kept` is null where no text was sent."""

    object: Literal["feedback"]
    request_id: str
    score: Annotated[float, Field(ge=0, le=1)]
    adequate: bool
    text_kept: bool | None


class CostSums(BaseModel):
    """USD and numbers of requests; null is not known."""

    requests: int | None
    answered: int | None
    failed: int | None
    dry_runs: int | None
    spent_usd: float
    router_usd: float | None
    learning_usd: float | None
    baseline_estimated_usd: float | None
    saved_estimated_usd: float | None
    requests_without_cost: int | None
    requests_without_baseline: int | None
    requests_without_saving: int | None


class CostsRow(CostSums):
    """Named by what `group_by` asks for; a key by `key_id`, `name` and `tags`."""

    day: date | None = None
    tier: Literal["1", "2", "3", "router"] | None = None
    model: str | None = None
    key_id: str | None = None
    name: str | None = None
    tags: dict[str, str] | None = None


class Costs(BaseModel):
    """`total` is of the days, however it is divided; `note` says what is in the figures."""

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
    """`valid` is false where it cannot serve; then `reason` says why. `version` is as records name
    it, and only `live@…` was written by somebody at some time."""

    object: Literal["prompt.version"]


class Prompt(_PromptFacts):
    """`document` is the routing prompt as people edit it, `serving` the version that routes."""

    object: Literal["prompt"]
    document: str
    serving: str


class PromptHistory(BaseModel):
    """Newest first."""

    object: Literal["list"]
    data: list[PromptVersion]


class Health(BaseModel):
    status: Literal["ok"]
