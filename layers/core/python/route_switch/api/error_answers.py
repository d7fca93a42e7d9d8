"""Error responses in OpenAI's format."""

from route_switch.domain.errors import (
    AllTiersFailedError,
    InvalidModelRequestError,
    RequestRefusedError,
    RouteSwitchError,
    StoreError,
)
from route_switch.domain.ports import JsonObject

RETRY_AFTER_S = 1
"""When to retry after a transient failure."""


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
            body = error_body(str(error), "invalid_request_error", "provider_refused")
            return 400, {}, body
        case AllTiersFailedError(rate_limited=True):
            body = error_body(str(error), "rate_limit_error", "upstream_rate_limited")
            return 429, _retry_after(RETRY_AFTER_S), body
        case AllTiersFailedError(timed_out=True):
            return _server_error(504, str(error), "upstream_timeout")
        case AllTiersFailedError():
            return _server_error(502, str(error), "upstream_failed")
        case _:
            message = "The router failed. Ask the owner to look up this request id in its log."
            return 500, {}, error_body(message, "server_error", "internal_error")


def _server_error(status: int, message: str, code: str) -> tuple[int, dict[str, str], JsonObject]:
    body = error_body(message, "server_error", code)
    return status, _retry_after(RETRY_AFTER_S), body


def _retry_headers(status: int, seconds: int | None) -> dict[str, str]:
    """OpenAI's clients retry every 409 and 429, unless told not to."""
    if seconds is None and status in (409, 429):
        return {"x-should-retry": "false"}
    return _retry_after(seconds)


def _retry_after(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"retry-after": str(seconds)}
