"""Response schemas for the OpenAPI document: records, costs, the prompt, and what is done to them.
They are not used for validation."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from route_switch.api.openapi_overview import AnswersByTier, Quality, ResponseTimes, Unpriced
from route_switch.api.openapi_results import GivenRating, Results
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.operations.audit import Area
from route_switch.domain.profiles import BALANCED, Profile, ProfileTables
from route_switch.domain.prompts.steering_figures import SteeringFigures
from route_switch.domain.request_record import Attempt, RequestStatus
from route_switch.domain.routing_prompt import StrategyName
from route_switch.domain.sessions import Move
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.tiers import Tier
from route_switch.services.operations.sum_costs import GroupBy


class Result(BaseModel):
    """The record of a request. Texts are stored, hashed or omitted, depending on the deployment. A
    cost is null when a price or the tokens are unknown. `baseline_cost_usd` is what Tier 3 would
    have cost; it is an estimate if `baseline_estimated` is true. Then the saving lies between
    `saved_usd_low` and `saved_usd_high`. `saving_basis` says what it rests on: `tier_3` (Tier 3's
    own model answered), the `configured` or `measured` length of Tier 3's answers, or `prior` (not
    measured yet). If the saving is null, it says why: `no_answer`, `no_tokens` or `no_price`.

    In shadow, `shadow_reason` says how routing would have decided, `shadow_tier` which tier
    it chose, and `shadow_cost_usd` what the request would have cost.

    `session` says what happened to the conversation's session, and `session_saved_usd` what that is
    expected to save, including further turns. `strategy` is given if a local model took part in the
    decision, `skipped_models` if models were not called because they keep failing. All four are
    absent where they do not apply, and `profile` if it is `balanced`. `feedback` is null if there
    is none."""

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
    strategy: StrategyName | None = None
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
    profile: Profile = BALANCED
    skipped_models: list[str] = []
    user: str | None
    query_text: str | None
    answer_text: str | None
    feedback: GivenRating | None


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
    """If not `complete`, the same call with this `cursor` as a query parameter deletes more."""

    user: str
    object: Literal["user.deleted"]
    deleted_results: int
    complete: bool
    cursor: str | None
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
    """USD and numbers of requests. null means unknown. Sums cover the requests that could be
    priced, and `unpriced` says how many could not. The saving lies between `saved_usd_low` and
    `saved_usd_high`; `estimated` is true if any answer's saving is an estimate. `saving_basis`
    counts answers by what their saving rests on, or why it is unknown. `latency_ms` and
    `first_token_ms` (of streamed answers) are null without an answer; they, `tiers` and `quality`
    are null where requests are not counted so: by tier and by model."""

    requests: int | None
    answered: int | None
    failed: int | None
    dry_runs: int | None
    spent_usd: float | None
    router_usd: float | None
    learning_usd: float | None
    baseline_estimated_usd: float | None
    saved_estimated_usd: float | None
    saved_usd_low: float | None
    saved_usd_high: float | None
    unpriced: Unpriced
    estimated: bool | None
    saving_basis: dict[SavingBasis, int] | None
    requests_without_cost: int | None
    requests_without_baseline: int | None
    requests_without_saving: int | None
    input_tokens: int | None
    cached_input_tokens: int | None
    cache_write_tokens: int | None
    tiers: AnswersByTier | None
    latency_ms: ResponseTimes | None
    first_token_ms: ResponseTimes | None
    quality: Quality | None


class CostsRow(CostSums):
    """Named by the `group_by` field; a key by `key_id`, `name` and `tags`. `tag` is null for keys
    without tags."""

    day: date | None = None
    tier: Literal["1", "2", "3", "router"] | None = None
    model: str | None = None
    key_id: str | None = None
    name: str | None = None
    tags: dict[str, str] | None = None
    tag: str | None = None


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
    strategy: StrategyName | None
    local_model: str | None
    ask_below: float | None
    bypass_tokens: int | None
    profiles: ProfileTables | None
    bytes: int
    written_at: datetime | None
    written_by: str | None
    valid: bool
    reason: str | None


class PromptVersion(_PromptFacts):
    """`valid` is false when the version cannot be served; `reason` says why. `version` is the name
    in records. Only `live@…` versions have an author and a time. `local_model` is the digest of the
    local model's numbers, `ask_below` the lead below which `hybrid` asks the router LLM, and
    `bypass_tokens` what replaces the stage's. `profiles` has the tiers that Tiers 1, 2 and 3 of the
    router LLM mean for a profile. All are null if the prompt has none."""

    object: Literal["prompt.version"]


class StatedGain(BaseModel):
    """A gain in points of the objective, with its 95% interval."""

    mean: float
    low: float
    high: float


class PromptEvidence(BaseModel):
    """`quality` is the share of held-out answers as good as Tier 3's, and `cost` that of all on
    Tier 3. The largest share of worse answers that the run promises is `promised_loss`."""

    verdict: str
    gain: StatedGain | None
    heldout_rows: int | None
    quality: float | None
    cost: float | None
    promise: str | None
    promised_loss: float | None


class Prompt(_PromptFacts):
    """`document` is the routing prompt in its editable form, `serving` the version being served.
    `steering` is how far texts around a query move its tier, null if that was not measured for
    exactly this text. `origin` says who made the text and whether it was edited since; `evidence`
    is what a learning run found about exactly this text, regardless of what its front matter
    claims."""

    object: Literal["prompt"]
    document: str
    serving: str
    steering: SteeringFigures | None
    origin: str | None
    evidence: PromptEvidence | None


class PromptHistory(BaseModel):
    """Stored versions, newest first."""

    object: Literal["list"]
    data: list[PromptVersion]


class AuditedChange(BaseModel):
    """A change. `by` is the ARN of who made it, or the part of route-switch that acted by itself.
    `confirmed` is false if it is not known whether the change was made."""

    at: datetime
    by: str
    what: Area
    action: str
    subject: str
    before: str | None
    after: str | None
    confirmed: bool


class AuditedChanges(BaseModel):
    """Changes, newest first. With a `cursor`, the same call with it as a query parameter lists
    older ones."""

    object: Literal["list"]
    data: list[AuditedChange]
    cursor: str | None


MANAGEMENT_ANSWERS: tuple[type[BaseModel], ...] = (
    Results,
    Result,
    DeletedResult,
    DeletedUser,
    Feedback,
    Costs,
    Prompt,
    PromptHistory,
    AuditedChanges,
)
