"""OpenAI's chat completions: the form in which requests are routed, so little is translated."""

from route_switch.api.error_answers import openai_error
from route_switch.api.protocols.chat_completions.chat_answer import completion_body
from route_switch.api.protocols.chat_completions.chat_events import ChatEvents
from route_switch.api.protocols.chat_completions.chat_request import parse_chat_request
from route_switch.api.protocols.protocol import ClientProtocol

CHAT_COMPLETIONS = ClientProtocol(
    path="/v1/chat/completions",
    id_prefix="chatcmpl-",
    parse=parse_chat_request,
    answer=completion_body,
    events=ChatEvents,
    error=openai_error,
    scope="",
)
