"""OpenAI's legacy completions, which some editors and older programs still use."""

from route_switch.api.error_answers import openai_error
from route_switch.api.protocols.completions.text_answer import TextEvents, text_body
from route_switch.api.protocols.completions.text_request import parse_completion_request
from route_switch.api.protocols.protocol import ClientProtocol

COMPLETIONS = ClientProtocol(
    path="/v1/completions",
    id_prefix="cmpl-",
    parse=parse_completion_request,
    answer=text_body,
    events=TextEvents,
    error=openai_error,
    scope="completions",
)
