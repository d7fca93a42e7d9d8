"""Anthropic's Messages API, as its SDKs and Claude Code use it."""

from collections.abc import Mapping

from route_switch.api.protocols.messages.messages_answer import message_body
from route_switch.api.protocols.messages.messages_errors import error_body
from route_switch.api.protocols.messages.messages_events import MessageEvents
from route_switch.api.protocols.messages.messages_request import parse_messages_request
from route_switch.api.protocols.protocol import ClientProtocol


def _headers(request_id: str) -> Mapping[str, str]:
    return {"request-id": request_id}


MESSAGES = ClientProtocol(
    path="/v1/messages",
    id_prefix="msg_",
    parse=parse_messages_request,
    answer=message_body,
    events=MessageEvents,
    error=error_body,
    scope="messages",
    headers=_headers,
)
