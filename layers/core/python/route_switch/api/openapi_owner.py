"""Schemas of the owner's requests, and of the answers, which are not used for validation."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from route_switch.api.openapi_learning import LEARNING_ANSWERS
from route_switch.api.owner.key_requests import KeyChangeRequest, NewKeyRequest, RotateKeyRequest
from route_switch.api.owner.preview_shapes import PreviewRequest
from route_switch.api.owner.prompt_shapes import PublishPromptRequest, RollbackRequest
from route_switch.api.owner.run_shapes import NothingRequest
from route_switch.api.owner.switch_shapes import SwitchesRequest
from route_switch.domain.api_keys import Role, WhenSpent
from route_switch.domain.profiles import Profile
from route_switch.domain.prompts.steering_figures import SteeringFigures
from route_switch.domain.switches import Routing
from route_switch.domain.tiers import Tier


class KeyMonth(BaseModel):
    """What the key spent in the current calendar month (UTC), without its
    `requests_of_unknown_cost`, and what is reserved for requests under way."""

    spent_usd: float
    reserved_usd: float
    requests: int
    requests_of_unknown_cost: int


class Key(BaseModel):
    """An API key without its secret. Until `limited_until`, routing sends none of its requests to
    Tier 3, because it is above its cap. Former secrets are valid until `former_secrets_end_at`."""

    key_id: str
    name: str
    role: Role
    tiers: list[Tier]
    tags: dict[str, str]
    requests_per_minute: int | None
    monthly_budget_usd: float | None
    when_spent: WhenSpent | None
    profile: Profile | None
    max_upgrade_share: float | None
    created_at: datetime
    revoked_at: datetime | None
    rotated_at: datetime | None
    former_secrets_end_at: list[datetime]
    limited_until: datetime | None
    month: KeyMonth


class ChangedKey(Key):
    """A key as it is after a change. `warnings` say which of its settings have no effect."""

    warnings: list[str]


class NewKey(Key):
    """A created key. `key` is its secret, which is stored nowhere: this is the only answer that has
    it."""

    key: str
    warnings: list[str]


class RotatedKey(Key):
    """A key with its new secret, which is stored nowhere."""

    key: str


class KeyList(BaseModel):
    """All keys, revoked ones too, oldest first."""

    object: Literal["list"]
    data: list[Key]


class SwitchStates(BaseModel):
    """The switches. `effects` says what each one does, `note` when a change takes effect,
    and whether a change reset other switches because the stored ones could not be read."""

    object: Literal["switches"]
    pin_tier: Tier | None
    routing: Routing
    learning: Literal["on", "off"]
    effects: dict[str, str]
    note: str


class PublishedPrompt(BaseModel):
    """`version` is the new version, or the live one if it has this content already; null after a
    dry run. `digest` names the content. `steering` is how far texts around a query move its tier,
    null if that was not measured for exactly this text."""

    object: Literal["prompt.published"]
    version: int | None
    digest: str
    warnings: list[str]
    steering: SteeringFigures | None


class Moves(BaseModel):
    """How many of the compared requests go from one tier to another."""

    from_: Annotated[Tier, Field(alias="from")]
    to: Tier
    requests: int


class MovedRequest(BaseModel):
    """A query that would move, and how many of the compared requests asked it. `request_id` is one
    of them. `query_text` has at most its first 500 characters. The costs are those of one answer.
    """

    request_id: str | None
    requests: int
    from_: Annotated[Tier, Field(alias="from")]
    to: Tier
    query_text: str | None
    cost_usd_before: float | None
    cost_usd_after: float | None


class PreviewedPrompt(BaseModel):
    """What a document would change for a sample of the last requests. `compared` counts requests,
    `queries` the distinct queries that they asked, each of which is routed once. The costs are
    those of all compared answers, if each model writes as much as the one that answered, without
    `unknown_cost` requests; null if none is known. `router_cost_usd` is what this preview cost; it
    is charged to the key and counted as the router's cost. `notes` say what was compared, and why
    not more."""

    object: Literal["prompt.preview"]
    compared: int
    queries: int
    moves: list[Moves]
    moved: list[MovedRequest]
    cost_usd_before: float | None
    cost_usd_after: float | None
    unknown_cost: int
    router_cost_usd: float
    notes: list[str]


class RolledBackPrompt(PublishedPrompt):
    """`content_of` is the version whose content is live again."""

    content_of: int


OWNER_REQUESTS: tuple[type[BaseModel], ...] = (
    NewKeyRequest,
    KeyChangeRequest,
    RotateKeyRequest,
    SwitchesRequest,
    PublishPromptRequest,
    RollbackRequest,
    NothingRequest,
    PreviewRequest,
)
OWNER_ANSWERS: tuple[type[BaseModel], ...] = (
    Key,
    ChangedKey,
    NewKey,
    RotatedKey,
    KeyList,
    SwitchStates,
    PublishedPrompt,
    RolledBackPrompt,
    PreviewedPrompt,
    *LEARNING_ANSWERS,
)
