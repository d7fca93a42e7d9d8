"""Parts of the OpenAPI document that several routes have in common."""

from pydantic import JsonValue

from route_switch.api.chat_request import IDEMPOTENCY_KEY, MAX_USER_LENGTH
from route_switch.api.costs_answer import GROUPS
from route_switch.api.feedback_request import MAX_ID_LENGTH
from route_switch.domain.decision import Reason
from route_switch.domain.ports import JsonObject

ERRORS = {
    400: "The request is wrong: `param` says where, `message` what to do.",
    401: "The API key is missing, unknown or revoked.",
    403: "The key may not do this, or not use this tier.",
    404: "There is no such model, this key made no such request, or no such version is kept.",
    409: "A request with this Idempotency-Key is under way (then with Retry-After), or its answer "
    "was not kept; or there is no answer to rate.",
    413: "The body is too large.",
    429: "Too many requests, here or at a provider (then with Retry-After), or the key's budget is "
    "used up.",
    500: "A defect. Its reason is in the owner's log.",
    502: "No model answered, or the function behind this route failed.",
    503: "A store cannot be reached, or no price is known for a key that has a budget.",
    504: "The time was up.",
}


def _header(description: str, schema: JsonObject, *, always: bool = False) -> JsonObject:
    return {"description": description, "required": always, "schema": schema}


_TEXT: JsonObject = {"type": "string"}
_NUMBER: JsonObject = {"type": "number"}

DECISION: JsonObject = {
    "x-request-id": _header("Names the request in records and logs.", _TEXT, always=True),
    "x-route-tier": _header(
        "Of the model that answered.", {"type": "integer", "enum": [1, 2, 3]}, always=True
    ),
    "x-route-reason": _header(
        "Why this tier.", {"enum": [reason.value for reason in Reason]}, always=True
    ),
    "x-route-model": _header("The model that answered; absent where none did.", _TEXT),
    "x-route-prompt-version": _header("Of the routing prompt.", _TEXT, always=True),
    "x-route-cost-usd": _header("What it cost; absent where that is not known.", _NUMBER),
    "x-route-saved-usd": _header("Against Tier 3, by estimate; absent where unknown.", _NUMBER),
    "x-route-overhead-ms": _header(
        "What routing and recording took beside the answering models.", _NUMBER, always=True
    ),
    "x-route-budget": _header("The key's budget is used up: Tier 1 answered.", {"const": "spent"}),
    "x-route-estimated-cost-usd": _header("For x-route-debug: of each tier, as JSON.", _TEXT),
    "x-route-attempts": _header("For x-route-debug: the calls of models, as JSON.", _TEXT),
    "x-route-router-reply": _header("For x-route-debug: the router LLM's, as JSON.", _TEXT),
}
ANSWERED: JsonObject = {
    **DECISION,
    "idempotent-replayed": _header("An earlier request's answer.", {"const": "true"}),
}
REFUSED: JsonObject = {
    "retry-after": _header("Seconds to wait before a repeat.", {"type": "integer", "minimum": 1}),
}


def _parameter(
    where: str, name: str, description: str, schema: JsonObject, example: JsonValue
) -> JsonObject:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "description": description,
        "schema": schema,
        "example": example,
    }


def _text(longest: int) -> JsonObject:
    return {"type": "string", "minLength": 1, "maxLength": longest}


_DAY: JsonObject = {"type": "string", "format": "date"}

PARAMETERS: JsonObject = {
    "debug": _parameter("header", "x-route-debug", "`1`: headers explain more.", _TEXT, "1"),
    "idempotency-key": _parameter(
        "header",
        "Idempotency-Key",
        "A name for this request: a repeat of both gets the same answer, and is paid for once.",
        {"type": "string", "pattern": IDEMPOTENCY_KEY},
        "9a1f6c52-1c1c-4f0e-8f0a-3d1b5f0f7c11",
    ),
    "model": _parameter(
        "path", "id", "Slashes in it are sent as they are or encoded.", _text(200), "tier-1"
    ),
    "request": _parameter("path", "id", "The answer's `id`.", _text(MAX_ID_LENGTH), "chatcmpl-1"),
    "user": _parameter("path", "user", "As requests named it.", _text(MAX_USER_LENGTH), "u-1"),
    "from": _parameter("query", "from", "The first of at most 366 days.", _DAY, "2026-01-01"),
    "to": _parameter("query", "to", "The last day, in UTC.", _DAY, "2026-01-31"),
    "group_by": _parameter(
        "query", "group_by", "By `key`, only whole months.", {"enum": [*GROUPS]}, "tier"
    ),
    "version": _parameter(
        "query",
        "version",
        "7 of live@7; without it, the newest.",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        1,
    ),
}
