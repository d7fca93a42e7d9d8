"""Errors in OpenAI's form."""

import math

from route_switch.domain.errors import (
    AllTiersFailedError,
    FailureKind,
    InvalidModelRequestError,
    RequestRefusedError,
    RouteSwitchError,
    StoreError,
)
from route_switch.domain.ports import JsonObject

RETRY_AFTER_S = 1
"""When to retry after a transient failure."""
SDK_PATIENCE_S = 60
"""OpenAI's clients ignore a longer Retry-After, and would retry within seconds."""
_NO_RETRY = {"x-should-retry": "false"}

FAILURES: dict[FailureKind, tuple[int, str, str]] = {
    "failed": (502, "server_error", "upstream_failed"),
    "timed_out": (504, "server_error", "upstream_timeout"),
    "rate_limited": (429, "rate_limit_error", "upstream_rate_limited"),
    "unusable": (502, "upstream_unusable_error", "upstream_unusable"),
}
"""Status, type and code of the errors of models."""


STORE_UNAVAILABLE = "A data store is temporarily unavailable. Try again in a moment."
"""The error itself names the owner's resources, so it only goes to the log."""


def error_body(
    message: str, kind: str, code: str | None = None, param: str | None = None
) -> JsonObject:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_response(error: RouteSwitchError) -> tuple[int, dict[str, str], JsonObject]:
    """Return the HTTP status, headers and body for an error. Set `Retry-After` when a retry may
    help."""
    match error:
        case RequestRefusedError():
            body = error_body(str(error), error.kind, error.code, error.param)
            return error.status, _retry_headers(error.status, error.retry_after_s), body
        case StoreError():
            return _server_error(503, STORE_UNAVAILABLE, "service_unavailable")
        case InvalidModelRequestError():
            body = error_body(
                str(error), "invalid_request_error", error.code or "provider_refused", error.param
            )
            return error.status if error.status in (413, 422) else 400, {}, body
        case AllTiersFailedError():
            status, kind, code = FAILURES[error.kind]
            return status, _advice(error.retry_after_s), error_body(str(error), kind, code)
        case _:
            message = "The router failed. Ask the owner to look up this request id in its log."
            # The request may have been paid for, and would fail in the same way again.
            return 500, {**_NO_RETRY}, error_body(message, "server_error", "internal_error")


def _server_error(status: int, message: str, code: str) -> tuple[int, dict[str, str], JsonObject]:
    body = error_body(message, "server_error", code)
    return status, _retry_after(RETRY_AFTER_S), body


def _advice(retry_after_s: float | None) -> dict[str, str]:
    """A repetition helps if a provider asked for it. Without that, every model was tried just now,
    and OpenAI's clients would make all those calls again, twice."""
    if retry_after_s is None:
        return _NO_RETRY
    return _retry_after(math.ceil(retry_after_s))


def _retry_headers(status: int, seconds: int | None) -> dict[str, str]:
    """OpenAI's clients repeat each 409 and 429 by themselves, unless they are told not to."""
    if seconds is None and (status in (409, 429) or status >= 500):
        return _NO_RETRY
    return _retry_after(seconds)


def _retry_after(seconds: int | None) -> dict[str, str]:
    if seconds is None:
        return {}
    headers = {"retry-after": str(seconds)}
    return headers if seconds <= SDK_PATIENCE_S else {**headers, **_NO_RETRY}
