"""Errors in Anthropic's form."""

from route_switch.api.error_answers import ErrorAnswer
from route_switch.domain.ports import JsonObject

ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""Other statuses below 500 are invalid requests."""


def error_body(error: ErrorAnswer, request_id: str) -> JsonObject:
    """`details` has what programs ask for: OpenAI's `code` and `param`."""
    otherwise = "invalid_request_error" if error.status < 500 else "api_error"
    details: JsonObject = {"error_code": error.code, "param": error.param}
    said: JsonObject = {
        "type": ERROR_TYPES.get(error.status, otherwise),
        "message": error.message,
        "details": {name: value for name, value in details.items() if value is not None},
    }
    return {"type": "error", "error": said, "request_id": request_id}
