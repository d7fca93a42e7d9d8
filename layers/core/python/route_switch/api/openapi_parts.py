"""Parts of the OpenAPI document that several routes share."""

from pydantic import JsonValue

from route_switch.api.audit_answer import DEFAULT_LIMIT, MAX_CURSOR_LENGTH, MAX_LIMIT
from route_switch.api.client_call import IDEMPOTENCY_KEY, MAX_USER_LENGTH
from route_switch.api.costs_answer import GROUPS
from route_switch.api.feedback_request import MAX_ID_LENGTH
from route_switch.domain.decision import Reason
from route_switch.domain.operations.audit import AREAS
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import PROFILES
from route_switch.domain.sessions import Move

ERRORS = {
    400: "The request is invalid: `param` says where, `message` what to do.",
    401: "The API key is missing, unknown or revoked.",
    403: "The key may not do this, or may not use this tier.",
    404: "The model, the request (of this key), the version, the key or the run does not exist.",
    409: "A request with this Idempotency-Key is in progress (with Retry-After), or its answer was "
    "not stored; there is no answer to rate; or the owner's change does not fit the current state.",
    413: "The body is too large.",
    429: "Too many requests, here or at a provider (with Retry-After), or the key's budget is used "
    "up.",
    500: "A defect. The owner's log has the details.",
    502: "No model answered, or the function behind this route failed.",
    503: "A store is unavailable, or prices that a key with a budget needs are unknown.",
    504: "The request timed out.",
}


def _header(description: str, schema: JsonObject, *, always: bool = False) -> JsonObject:
    return {"description": description, "required": always, "schema": schema}


_TEXT: JsonObject = {"type": "string"}
_NUMBER: JsonObject = {"type": "number"}

DECISION: JsonObject = {
    "x-request-id": _header("The request's id in records and logs.", _TEXT, always=True),
    "x-route-tier": _header(
        "The tier that answered.", {"type": "integer", "enum": [1, 2, 3]}, always=True
    ),
    "x-route-reason": _header(
        "Why this tier was used.", {"enum": [reason.value for reason in Reason]}, always=True
    ),
    "x-route-profile": _header(
        "The routing profile of the request.", {"enum": [*PROFILES]}, always=True
    ),
    "x-route-model": _header(
        "The model that answered, with its tier's parameters; absent when none did.", _TEXT
    ),
    "x-route-prompt-version": _header("The version of the routing prompt.", _TEXT, always=True),
    "x-route-cost-usd": _header("The request's cost; absent when unknown.", _NUMBER),
    "x-route-saved-usd": _header(
        "Estimated saving compared with Tier 3; absent when unknown.", _NUMBER
    ),
    "x-route-session": _header(
        "What happened to the conversation's session; absent where the tier was fixed or failed.",
        {"enum": [move.value for move in Move]},
    ),
    "x-route-session-saved-usd": _header(
        "What that is expected to save, including further turns; absent when unknown.", _NUMBER
    ),
    "x-route-overhead-ms": _header(
        "Time for routing and recording, without the answering models.", _NUMBER, always=True
    ),
    "x-route-budget": _header(
        "The key's budget is used up, so Tier 1 answered.", {"const": "spent"}
    ),
    "x-route-adjusted": _header(
        "What was changed in the request to fit the model or limits; absent if nothing was.", _TEXT
    ),
    "x-route-skipped": _header(
        "Models that were not called because they keep failing; absent if none.", _TEXT
    ),
    "x-route-estimated-cost-usd": _header(
        "With x-route-debug: the estimated cost of each tier, as JSON.", _TEXT
    ),
    "x-route-attempts": _header("With x-route-debug: all model calls, as JSON.", _TEXT),
    "x-route-strategy": _header("With x-route-debug: what decided about the tier.", _TEXT),
    "x-route-router-reply": _header("With x-route-debug: the router LLM's reply, as JSON.", _TEXT),
}
ANSWERED: JsonObject = {
    **DECISION,
    "idempotent-replayed": _header("This is the answer to an earlier request.", {"const": "true"}),
}
REFUSED: JsonObject = {
    "retry-after": _header("Seconds to wait before retrying.", {"type": "integer", "minimum": 1}),
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
    "debug": _parameter("header", "x-route-debug", "`1` adds explanatory headers.", _TEXT, "1"),
    "profile": _parameter(
        "header",
        "x-route-profile",
        "The routing profile, for clients that cannot set `route_switch.profile`.",
        {"enum": [*PROFILES]},
        "cost",
    ),
    "idempotency-key": _parameter(
        "header",
        "Idempotency-Key",
        "A unique key for this request. A retry with the same key gets the same answer and is "
        "charged once.",
        {"type": "string", "pattern": IDEMPOTENCY_KEY},
        "9a1f6c52-1c1c-4f0e-8f0a-3d1b5f0f7c11",
    ),
    "model": _parameter(
        "path", "id", "Slashes may be sent unencoded or encoded.", _text(200), "tier-1"
    ),
    "key-to-revoke": _parameter("path", "id", "The key's `key_id`.", _text(MAX_ID_LENGTH), "key_2"),
    "run": _parameter("path", "id", "The run's `run`.", _text(40), "2026-11-22T030000Z"),
    "runs": _parameter(
        "query",
        "limit",
        f"Runs to list at most; {DEFAULT_LIMIT} by default.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
        10,
    ),
    "key": _parameter("path", "id", "The key's `key_id`.", _text(MAX_ID_LENGTH), "key_1"),
    "request": _parameter("path", "id", "The answer's `id`.", _text(MAX_ID_LENGTH), "chatcmpl-1"),
    "response": _parameter("path", "id", "The rest of the path.", _text(MAX_ID_LENGTH), "resp_1"),
    "user": _parameter(
        "path", "user", "The `user` field of the requests.", _text(MAX_USER_LENGTH), "u-1"
    ),
    "from": _parameter(
        "query",
        "from",
        "The first day, in UTC; at most 366 days before the last.",
        _DAY,
        "2026-01-01",
    ),
    "to": _parameter("query", "to", "The last day, in UTC.", _DAY, "2026-01-31"),
    "cursor": _parameter(
        "query",
        "cursor",
        "Where to continue: the `cursor` of an answer that was not `complete`.",
        {"type": "string", "pattern": "^([0-9]|1[0-5])$"},
        "7",
    ),
    "group_by": _parameter(
        "query",
        "group_by",
        "Grouping by `key` or `tag` requires whole months.",
        {"enum": [*GROUPS]},
        "tier",
    ),
    "what": _parameter("query", "what", "Only changes of this kind.", {"enum": [*AREAS]}, "keys"),
    "limit": _parameter(
        "query",
        "limit",
        f"Changes to list at most; {DEFAULT_LIMIT} by default.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
        10,
    ),
    "older": _parameter(
        "query",
        "cursor",
        "Where to continue: the `cursor` of the previous answer.",
        _text(MAX_CURSOR_LENGTH),
        "2026-11-30T12:00:00.000Z_0f",
    ),
    "version": _parameter(
        "query",
        "version",
        "The number in live@7: 7. Defaults to the newest.",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        1,
    ),
}
