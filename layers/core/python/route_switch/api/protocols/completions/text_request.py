"""Requests of OpenAI's legacy completion API: a prompt instead of messages."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.api.client_call import MAX_USER_LENGTH, ClientCall
from route_switch.api.json_body import parse_object, validated
from route_switch.api.protocols.chat_completions.chat_request import (
    MAX_TOKENS,
    WHOLE_NUMBERS,
    StreamOptions,
    refuse_owner_fields,
)
from route_switch.api.protocols.chat_completions.chat_schema import REFUSED_FIELDS
from route_switch.api.route_options import RouteOptions, Whole, check_options
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject

_OWN_FIELDS = frozenset(
    {"model", "prompt", "stream", "stream_options", "route_switch", "echo", "best_of", "suffix"}
)
_CHAT = "it belongs to chat completions. Send the request to /v1/chat/completions"
_REFUSED = {
    "suffix": "a chat model does not fill gaps. Ask for the text in the prompt",
    **dict.fromkeys(("messages", "tools", "tool_choice", "functions", "function_call"), _CHAT),
    **dict.fromkeys(("response_format", "audio", "modalities"), _CHAT),
}

_CONSTRAINTS: list[JsonValue] = [
    {"propertyNames": {"not": {"enum": [*REFUSED_FIELDS]}}},
    {"properties": {name: {"enum": [None, False, "", 0, [], {}]} for name in _REFUSED}},
]
"""The same as JSON schema, for the OpenAPI document."""


class CompletionRequest(BaseModel):
    """The validated fields of a request. Others reach the model if they are known."""

    model_config = ConfigDict(extra="allow", strict=True, json_schema_extra={"allOf": _CONSTRAINTS})

    model: Annotated[str, Field(max_length=200)] = "auto"
    prompt: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=1)]
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    echo: bool | None = None
    best_of: Annotated[int, Field(ge=1, le=128), Whole] | None = None
    logprobs: Annotated[int, Field(ge=0, le=20), Whole] | None = None
    user: Annotated[str, Field(min_length=1, max_length=MAX_USER_LENGTH)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128), Whole] | None = None
    seed: Annotated[int, Whole] | None = None
    stop: str | list[str] | None = None
    service_tier: Literal["auto", "default"] | None = None
    route_switch: RouteOptions = RouteOptions()

    @property
    def text(self) -> str:
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]


def parse_completion_request(body: bytes) -> ClientCall:
    """Validate the request, and make its prompt a user's message. Raise `RequestRefusedError`."""
    content = parse_object(body, "prompt")
    refuse_owner_fields(content)
    for name, why in _REFUSED.items():
        if content.get(name):
            raise _unsupported(name, why)
    request = validated(CompletionRequest, content, _advice, "the OpenAI completion API")
    check_options(request.route_switch, stream=bool(request.stream))
    if request.best_of not in (None, request.n or 1):
        raise _unsupported("best_of", "all answers are returned. Leave it out, and set 'n'")
    options = request.stream_options
    return ClientCall(
        content=content,
        messages=({"role": "user", "content": request.text},),
        params=_params(content, request),
        options=request.route_switch,
        model=request.model,
        user=request.user,
        stream=bool(request.stream),
        include_usage=bool(options and options.include_usage),
    )


def echoed_prompt(content: JsonObject) -> str:
    """Return the text that a validated request wants before its answer."""
    prompt = content["prompt"]
    if not content.get("echo"):
        return ""
    return str(prompt[0]) if isinstance(prompt, list) else str(prompt)


def _params(content: JsonObject, request: CompletionRequest) -> JsonObject:
    params: JsonObject = {k: v for k, v in content.items() if k not in _OWN_FIELDS}
    params |= {k: getattr(request, k) for k in WHOLE_NUMBERS if k in params}
    tokens = params.pop("logprobs", None)
    if tokens is None:
        return params
    return params | {"logprobs": True} | ({"top_logprobs": request.logprobs} if tokens else {})


def _unsupported(param: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(
        f"'{param}' is not supported: {why}.", code="unsupported_parameter", param=param
    )


def _advice(param: str, kind: str) -> str | None:
    """Return a better message than the validator's, where it knows one."""
    if param.startswith("prompt") and kind != "missing":
        return (
            "'prompt' must be one text that is not empty. Send a request for each text, and texts "
            "instead of tokens."
        )
    return None
