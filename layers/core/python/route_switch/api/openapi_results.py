"""The list of results in the OpenAPI document: parameters and responses."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, JsonValue

from route_switch.api.results_answer import (
    DEFAULT_LIMIT,
    FAILED,
    MAX_COST_USD,
    MAX_CURSOR_LENGTH,
    MAX_LIMIT,
    MAX_NAME_LENGTH,
    STATUSES,
    THUMBS,
    cursor_of,
)
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import Profile
from route_switch.domain.request_record import RequestStatus
from route_switch.domain.tiers import Tier


class GivenRating(BaseModel):
    """Feedback on an answer. A thumb up is a score of 1, a thumb down 0; a score of 0.5 or more
    counts as a thumb up. `comment` is given if it was stored."""

    score: float | None
    thumb: Literal["up", "down"] | None
    comment: str | None = None


class ListedResult(BaseModel):
    """What the list shows of a request. `first_token_ms` is null if the answer was not streamed.
    `error` is that of the last failed call. `thumb` and `score` are null without feedback."""

    request_id: str
    created_at: datetime
    status: RequestStatus
    tier: Tier
    decided_tier: Tier
    reason: Reason
    model: str | None
    key_id: str
    prompt_version: str
    profile: Profile
    cost_usd: float | None
    saved_usd: float | None
    saving_basis: SavingBasis
    latency_ms: float
    first_token_ms: float | None
    thumb: Literal["up", "down"] | None
    score: float | None
    error: str | None


class Results(BaseModel):
    """Requests, newest first. If `has_more`, the same call with this `cursor` lists older ones; a
    page may be short, even empty, because a call looks at a bounded number of requests
    (`examined`)."""

    object: Literal["list"]
    data: list[ListedResult]
    has_more: bool
    cursor: str | None
    examined: int


def _parameter(name: str, description: str, schema: JsonObject, example: JsonValue) -> JsonObject:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
        "example": example,
    }


def _text(longest: int) -> JsonObject:
    return {"type": "string", "minLength": 1, "maxLength": longest}


_DAY: JsonObject = {"type": "string", "format": "date"}
_LIMIT: JsonObject = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
_TIER: JsonObject = {"type": "integer", "enum": [tier.value for tier in Tier]}
_REASON: JsonObject = {"enum": [reason.value for reason in Reason]}
_STATUS: JsonObject = {"enum": [*STATUSES]}
_THUMB: JsonObject = {"enum": [*THUMBS]}
_FAILED: JsonObject = {"enum": [*FAILED]}
_COST: JsonObject = {"type": "number", "minimum": 0, "maximum": MAX_COST_USD}

RESULT_PARAMETERS: JsonObject = {
    f"results_{name}": _parameter(name, description, schema, example)
    for name, description, schema, example in (
        ("limit", f"Requests to list at most; {DEFAULT_LIMIT} by default.", _LIMIT, 20),
        (
            "cursor",
            "Where to continue: the `cursor` of the previous answer.",
            _text(MAX_CURSOR_LENGTH),
            cursor_of("2026-11-30"),
        ),
        ("from", "The first day, in UTC; by default the oldest that is kept.", _DAY, "2026-01-01"),
        ("to", "The last day, in UTC; today by default.", _DAY, "2026-01-31"),
        ("tier", "Only requests of this tier.", _TIER, 2),
        ("reason", "Only requests with this reason.", _REASON, "router"),
        (
            "model",
            "Only requests that this model answered.",
            _text(MAX_NAME_LENGTH),
            "bedrock/us.amazon.nova-lite-v1:0",
        ),
        ("key", "Only requests of the key with this id.", _text(MAX_NAME_LENGTH), "key_1"),
        ("status", "Only requests with this status.", _STATUS, "failed"),
        (
            "thumb",
            "Only requests whose answers were rated so, or not rated at all.",
            _THUMB,
            "down",
        ),
        ("min_cost_usd", "Only requests that cost this much or more.", _COST, 0.01),
        (
            "error",
            "Only requests with a failed call (`any`), even if they were answered, or without one.",
            _FAILED,
            "any",
        ),
    )
}
