"""OpenAI's Responses API: the default of its clients, of the AI SDK and of Codex."""

from route_switch.api.error_answers import openai_error
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.api.protocols.responses.response_body import ID_PREFIX, response_answer
from route_switch.api.protocols.responses.response_events import ResponseEvents
from route_switch.api.protocols.responses.response_request import parse_response_request

RESPONSES = ClientProtocol(
    path="/v1/responses",
    id_prefix=ID_PREFIX,
    parse=parse_response_request,
    answer=response_answer,
    events=ResponseEvents,
    error=openai_error,
    scope="responses",
)
