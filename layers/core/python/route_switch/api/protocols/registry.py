"""The protocols that clients may speak. A new one is a new folder and a line here."""

from collections.abc import Mapping

from route_switch.api.error_answers import ErrorAnswer
from route_switch.api.protocols.chat_completions.chat_protocol import CHAT_COMPLETIONS
from route_switch.api.protocols.completions.text_protocol import COMPLETIONS
from route_switch.api.protocols.messages.messages_protocol import MESSAGES
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.api.protocols.responses.response_protocol import RESPONSES
from route_switch.domain.ports import JsonObject

PROTOCOLS: tuple[ClientProtocol, ...] = (CHAT_COMPLETIONS, MESSAGES, RESPONSES, COMPLETIONS)


def protocol_of(path: str) -> ClientProtocol:
    """Return the protocol whose path this is or begins with; elsewhere, OpenAI's."""
    for protocol in PROTOCOLS:
        if path == protocol.path or path.startswith(f"{protocol.path}/"):
            return protocol
    return CHAT_COMPLETIONS


def error_form(
    path: str, error: ErrorAnswer, request_id: str
) -> tuple[Mapping[str, str], JsonObject]:
    """Return the headers and the body of an error on this path."""
    protocol = protocol_of(path)
    return protocol.headers(request_id), protocol.error(error, request_id)
