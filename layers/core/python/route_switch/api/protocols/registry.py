"""The protocols that clients may speak. A new one is a new folder and a line here."""

from route_switch.api.protocols.chat_completions.chat_protocol import CHAT_COMPLETIONS
from route_switch.api.protocols.completions.text_protocol import COMPLETIONS
from route_switch.api.protocols.messages.messages_protocol import MESSAGES
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.api.protocols.responses.response_protocol import RESPONSES

PROTOCOLS: tuple[ClientProtocol, ...] = (CHAT_COMPLETIONS, MESSAGES, RESPONSES, COMPLETIONS)


def protocol_of(path: str) -> ClientProtocol:
    """Return the protocol whose path this is or begins with; elsewhere, OpenAI's."""
    for protocol in PROTOCOLS:
        if path == protocol.path or path.startswith(f"{protocol.path}/"):
            return protocol
    return CHAT_COMPLETIONS
