"""Errors in a form for every protocol: a status, headers, and the content of the body."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

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
"""OpenAI's and Anthropic's clients ignore a longer Retry-After, and would retry within seconds."""
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


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """`kind`, `code` and `param` are OpenAI's terms; other protocols have their own for the same
    `status`."""

    status: int
    message: str
    kind: str
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def openai_error(error: ErrorAnswer, _request_id: str = "") -> JsonObject:
    """Return the body in OpenAI's form, which names no request."""
    return {
        "error": {
            "message": error.message,
            "type": error.kind,
            "param": error.param,
            "code": error.code,
        }
    }


def error_answer(error: RouteSwitchError) -> ErrorAnswer:
    """Return what to answer. Set `Retry-After` when a retry may help."""
    match error:
        case RequestRefusedError(status=status, kind=kind, code=code, param=param):
            headers = _retry_headers(status, error.retry_after_s)
            return ErrorAnswer(status, str(error), kind, code, param, headers)
        case StoreError():
            headers = _retry_after(RETRY_AFTER_S)
            return ErrorAnswer(
                503, STORE_UNAVAILABLE, "server_error", "service_unavailable", headers=headers
            )
        case InvalidModelRequestError(code=code, param=param):
            status = error.status if error.status in (413, 422) else 400
            code = code or "provider_refused"
            return ErrorAnswer(status, str(error), "invalid_request_error", code, param)
        case AllTiersFailedError():
            status, kind, code = FAILURES[error.kind]
            headers = _advice(error.retry_after_s)
            return ErrorAnswer(status, str(error), kind, code, headers=headers)
        case _:
            message = "The router failed. Ask the owner to look up this request id in its log."
            # The request may have been paid for, and would fail in the same way again.
            return ErrorAnswer(500, message, "server_error", "internal_error", headers=_NO_RETRY)


def _advice(retry_after_s: float | None) -> dict[str, str]:
    """Advise a retry only if a provider asked for one. Otherwise every model has just been tried,
    and OpenAI's clients would make all those calls again, twice."""
    if retry_after_s is None:
        return _NO_RETRY
    return _retry_after(math.ceil(retry_after_s))


def _retry_headers(status: int, seconds: int | None) -> dict[str, str]:
    """Tell OpenAI's clients not to retry where that is useless: they retry every 409 and 429 by
    themselves."""
    if seconds is None and (status in (409, 429) or status >= 500):
        return _NO_RETRY
    return _retry_after(seconds)


def _retry_after(seconds: int | None) -> dict[str, str]:
    if seconds is None:
        return {}
    headers = {"retry-after": str(seconds)}
    return headers if seconds <= SDK_PATIENCE_S else {**headers, **_NO_RETRY}
