"""OpenAI's Responses API: the default of its clients, of the AI SDK and of Codex."""

from route_switch.api.error_answers import ErrorAnswer, openai_error
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.api.protocols.responses.response_body import ID_PREFIX, response_answer
from route_switch.api.protocols.responses.response_events import ResponseEvents
from route_switch.api.protocols.responses.response_request import parse_response_request
from route_switch.domain.ports import JsonObject


def _error(error: ErrorAnswer, _: str) -> JsonObject:
    return openai_error(error)


RESPONSES = ClientProtocol(
    path="/v1/responses",
    id_prefix=ID_PREFIX,
    parse=parse_response_request,
    answer=response_answer,
    events=ResponseEvents,
    error=_error,
    scope="responses",
)
