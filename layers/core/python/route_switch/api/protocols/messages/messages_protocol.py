"""Anthropic's Messages API, as its SDKs and Claude Code speak it."""

from collections.abc import Mapping

from route_switch.api.error_answers import ErrorAnswer
from route_switch.api.live_events import sse
from route_switch.api.protocols.messages.messages_answer import message_body
from route_switch.api.protocols.messages.messages_events import MessageEvents
from route_switch.api.protocols.messages.messages_request import parse_messages_request
from route_switch.api.protocols.protocol import ClientProtocol
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
"""Of other statuses, those below 500 are invalid requests."""


def error_body(error: ErrorAnswer, request_id: str) -> JsonObject:
    return {**_error(error), "request_id": request_id}


def error_event(error: ErrorAnswer) -> str:
    return sse(_error(error), "error")


def _error(error: ErrorAnswer) -> JsonObject:
    """`details` has what programs ask for: OpenAI's `code` and `param`."""
    otherwise = "invalid_request_error" if error.status < 500 else "api_error"
    details: JsonObject = {"error_code": error.code, "param": error.param}
    said: JsonObject = {
        "type": ERROR_TYPES.get(error.status, otherwise),
        "message": error.message,
        "details": {name: value for name, value in details.items() if value is not None},
    }
    return {"type": "error", "error": said}


def _headers(request_id: str) -> Mapping[str, str]:
    return {"request-id": request_id}


MESSAGES = ClientProtocol(
    path="/v1/messages",
    id_prefix="msg_",
    parse=parse_messages_request,
    answer=message_body,
    events=MessageEvents,
    error=error_body,
    error_event=error_event,
    scope="messages",
    headers=_headers,
)
