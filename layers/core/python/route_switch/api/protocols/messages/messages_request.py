"""Requests of Anthropic's Messages API, translated into chat requests."""

import re

from route_switch.api.client_call import ClientCall
from route_switch.api.json_body import parse_object, validated
from route_switch.api.protocols.messages.content_parts import check_mark, invalid
from route_switch.api.protocols.messages.message_params import chat_params, prompt_params
from route_switch.api.protocols.messages.messages_schema import (
    REFUSED_FIELDS,
    CountTokensRequest,
    MessagesRequest,
)
from route_switch.api.protocols.messages.turns import chat_messages, mark_last
from route_switch.api.route_options import check_options
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.needs import needs_of
from route_switch.domain.ports import JsonObject

API = "Anthropic's Messages API"
THREADS_UNSUPPORTED = "thread_unsupported_request"
"""Anthropic's own code: its SDKs' tool runners then send the whole conversation."""


def parse_messages_request(body: bytes) -> ClientCall:
    """Raise `RequestRefusedError` for what is invalid or cannot be translated."""
    content = _translatable(body)
    request = validated(MessagesRequest, content, _advice, API)
    _check_references(request)
    check_options(request.route_switch, stream=bool(request.stream))
    return ClientCall(
        content=content,
        messages=_messages(content, request),
        params=chat_params(request, content),
        options=request.route_switch,
        model=request.model,
        user=(request.metadata and request.metadata.user_id) or None,
        stream=bool(request.stream),
    )


def count_tokens(body: bytes) -> int:
    """Return the estimated input tokens of a request. Raise `RequestRefusedError`."""
    content = _translatable(body)
    request = validated(CountTokensRequest, content, _advice, API)
    _check_references(request)
    params = prompt_params(request, content)
    return needs_of(_messages(content, request), params).input_tokens


def _check_references(request: CountTokensRequest) -> None:
    """Raise `RequestRefusedError` for a cache mark that Anthropic does not have, and for a choice
    of a tool that does not exist."""
    if request.cache_control is not None:
        check_mark(request.cache_control)
    choice = request.tool_choice
    if choice is None or choice.type != "tool" or choice.name is None:
        return
    if choice.name not in {tool.name for tool in request.tools or ()}:
        raise invalid("tool_choice.name", "names no tool of 'tools'. Name one of them.")


def _messages(content: JsonObject, request: CountTokensRequest) -> tuple[JsonObject, ...]:
    messages = chat_messages(content.get("system"), content["messages"])
    if request.cache_control is None or not messages:
        return messages
    return mark_last(messages, request.cache_control)


def _translatable(body: bytes) -> JsonObject:
    """Return the request without fields that count as absent."""
    content = parse_object(body)
    for name in REFUSED_FIELDS.keys() & content.keys():
        if content[name] in (None, [], {}):
            del content[name]
            continue
        code = THREADS_UNSUPPORTED if name == "thread" else "unsupported_parameter"
        problem = f"'{name}' cannot be kept. {REFUSED_FIELDS[name]}"
        raise RequestRefusedError(problem, code=code, param=name)
    return content


def _advice(param: str, kind: str) -> str | None:
    """Return a better message than the validator's, where it knows one."""
    if kind == "extra_forbidden" and not param.startswith("route_switch."):
        return f"'{param[:50]}' is not supported here. Remove it."
    if param == "speed":
        return "'speed' is not 'standard', but the owner of this router sets the price. Remove it."
    if re.fullmatch(r"messages\[\d+\]\.content|system", param):
        return f"'{param}' must be a text or a list of content blocks, each with a 'type'."
    if re.fullmatch(r"(messages\[\d+\]\.content|system)\[\d+\](\.type)?", param):
        return (
            f"'{param.removesuffix('.type')}' is not a content block: it needs a 'type', such as "
            '{"type": "text", "text": "…"}.'
        )
    return None
