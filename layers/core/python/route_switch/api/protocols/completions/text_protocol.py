"""OpenAI's legacy completions, which some editors and older programs still use."""

from route_switch.api.error_answers import ErrorAnswer, openai_error
from route_switch.api.protocols.completions.text_answer import TextEvents, text_body
from route_switch.api.protocols.completions.text_request import parse_completion_request
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.domain.ports import JsonObject


def _error(error: ErrorAnswer, _: str) -> JsonObject:
    return openai_error(error)


COMPLETIONS = ClientProtocol(
    path="/v1/completions",
    id_prefix="cmpl-",
    parse=parse_completion_request,
    answer=text_body,
    events=TextEvents,
    error=_error,
    scope="completions",
)
