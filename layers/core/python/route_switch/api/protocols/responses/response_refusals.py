"""The parts of a Responses request that cannot be kept, and how they are refused."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from route_switch.api.protocols.chat_completions.chat_schema import (
    REFUSED_FIELDS as OWNERS_FIELDS,
)
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject

_STATELESS = "this router stores no responses. Send the whole conversation in 'input'"

REFUSED_FIELDS: Final[Mapping[str, str]] = {
    "previous_response_id": f"{_STATELESS}, and leave out 'previous_response_id'",
    "conversation": f"{_STATELESS}, and leave out 'conversation'",
    "prompt": (
        "this router stores no prompt templates. Send the text in 'instructions' and 'input'"
    ),
    "context_management": (
        "this router does not shorten conversations. Shorten 'input', and leave out "
        "'context_management'"
    ),
    **dict.fromkeys(
        ("audio", "modalities"),
        "a response has no sound. Ask for it at /v1/chat/completions, or leave it out",
    ),
    "moderation": "this router runs no moderation. Leave out 'moderation'",
}
"""Fields that change what an answer is, and the reason why they are refused."""

OTHER_NAMES: Final[Mapping[str, str]] = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "functions": "tools",
    "function_call": "tool_choice",
    "logprobs": "include",
}
"""Fields of chat completions, and what this API calls them."""

INCLUDES: Final = ("reasoning.encrypted_content", "message.output_text.logprobs")
"""What `include` may ask for. The other values are about tools that run at OpenAI."""

_NO: JsonValue = {"enum": [False, None]}
CONSTRAINTS: list[JsonValue] = [
    {"propertyNames": {"not": {"enum": [*OWNERS_FIELDS, *OTHER_NAMES]}}},
    {"properties": {name: {"type": "null"} for name in REFUSED_FIELDS}},
    {"properties": {"store": _NO, "background": _NO, "n": {"enum": [1, None]}}},
    {"properties": {"include": {"items": {"enum": [*INCLUDES]}}}},
]
"""The same as JSON schema, for the OpenAPI document."""


def unsupported(param: str, why: str) -> RequestRefusedError:
    """Return the refusal of a field or item that cannot be kept. `why` ends in what to do."""
    return RequestRefusedError(
        f"'{param}' is not supported: {why}.", code="unsupported_parameter", param=param
    )


def invalid(param: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(f"'{param}' {why}.", code="invalid_value", param=param)


def refuse_fields(content: JsonObject) -> None:
    """Raise `RequestRefusedError` for the first field that cannot be kept."""
    for name, why in REFUSED_FIELDS.items():
        if content.get(name) is not None:
            raise unsupported(name, why)
    for name, other in OTHER_NAMES.items():
        if name in content:
            raise unsupported(name, f"the Responses API calls it '{other}'. Rename it")
    if content.get("n") not in (None, 1):
        raise unsupported("n", "a response has one answer. Send several requests")
    if content.get("background"):
        raise unsupported(
            "background",
            "a response is answered at once. Leave it out, and set 'stream' if it takes long",
        )
    if content.get("store"):
        raise unsupported("store", f"{_STATELESS}, and set 'store' to false or leave it out")


def nothing_stored(method: str, path: str) -> RequestRefusedError:
    """Return the answer on the paths below this API's own."""
    what = {
        "GET": "no response can be read later",
        "DELETE": "no response has to be deleted",
    }.get(method, "tokens cannot be counted and conversations not compacted here")
    return RequestRefusedError(
        f"There is no {method} {path[:80]}: this router stores no responses, so {what}. Send the "
        "whole conversation to POST /v1/responses.",
        status=HTTPStatus.NOT_FOUND,
        code="not_stored",
    )


def shown(kind: JsonValue) -> str:
    """Return the request's name for a type in a form that fits into an error."""
    return f"'{kind[:40]}'" if isinstance(kind, str) else "without a type"
