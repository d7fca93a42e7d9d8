"""The OpenAI chat completion API: requests in, answers and errors out."""

import json
from math import isinf
from typing import Annotated, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import Usage
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.services.call_models import Deadline
from route_switch.services.route_request import InboundRequest, Routed

OWN_FIELDS = frozenset({"model", "messages", "stream", "stream_options"})
"""Fields of a request that are for the router, not for the tier's model."""


class ContentPart(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None


class ChatRequest(BaseModel):
    """What is checked of a request; everything else passes through as it came."""

    model_config = ConfigDict(extra="allow", strict=True)

    model: Annotated[str, Field(max_length=200)] = "auto"
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = None
    user: Annotated[str, Field(max_length=256)] | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    max_completion_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None


def parse_chat_request(body: bytes, max_bytes: int) -> JsonObject:
    """The request as it came, once it is known to be one; raises `RequestRefusedError`."""
    if len(body) > max_bytes:
        raise RequestRefusedError(
            f"The request body is {len(body)} bytes long; at most {max_bytes} are accepted. "
            "Shorten the messages.",
            status=413,
            code="request_too_large",
        )
    content = _parse_json(body)
    if not isinstance(content, dict):
        raise RequestRefusedError(
            "The request body must be a JSON object with 'messages'.", code="invalid_json"
        )
    try:
        request = ChatRequest.model_validate(content)
    except ValidationError as error:
        _refuse(error, content)
    if request.stream:
        raise RequestRefusedError(
            "Streaming is not available. Send the request without 'stream'.",
            code="unsupported_value",
            param="stream",
        )
    return content


def inbound_request(
    content: JsonObject, key: ApiKey, request_id: str, deadline: Deadline
) -> InboundRequest:
    """The request in the services' terms; `content` comes from `parse_chat_request`."""
    messages = content["messages"]
    user = content.get("user")
    return InboundRequest(
        request_id=request_id,
        deadline=deadline,
        key=key,
        model=str(content.get("model", "auto")),
        messages=tuple(m for m in messages if isinstance(m, dict))
        if isinstance(messages, list)
        else (),
        params={k: v for k, v in content.items() if k not in OWN_FIELDS},
        user=user if isinstance(user, str) else None,
    )


def _parse_json(body: bytes) -> JsonValue:
    try:
        text = body.decode("utf-8", errors="strict")
        content: JsonValue = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise RequestRefusedError(
            "The request body is not valid UTF-8, or holds half of a surrogate pair. "
            "Send JSON in UTF-8.",
            code="invalid_encoding",
        ) from error
    except (ValueError, RecursionError) as error:
        raise RequestRefusedError(
            "The request body is not valid JSON. Send one JSON object.", code="invalid_json"
        ) from error
    return content


def _finite(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        raise ValueError(f"{digits} is out of range")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse(error: ValidationError, content: JsonObject) -> NoReturn:
    problem = error.errors(include_url=False, include_input=False)[0]
    param = _path_in(content, problem["loc"])
    raise RequestRefusedError(
        f"'{param}' is wrong: {problem['msg']}. See the OpenAI chat completion API for its form.",
        code="missing_required_parameter" if problem["type"] == "missing" else "invalid_value",
        param=param,
    ) from error


def _path_in(content: JsonValue, location: tuple[int | str, ...]) -> str:
    """The field in OpenAI's notation, such as `messages[0].role`; what the validator adds to name
    the alternatives of a field is left out."""
    path = ""
    for part in location:
        if isinstance(content, dict) and isinstance(part, str):
            path += f".{part}" if path else part
            content = content.get(part)
        elif isinstance(content, list) and isinstance(part, int):
            path += f"[{part}]"
            content = content[part]
        else:
            break
    return path


def completion_body(routed: Routed) -> JsonObject:
    """The answer as an OpenAI chat completion."""
    completion = routed.completion
    choices: list[JsonValue] = [
        {
            "index": choice.index,
            "message": choice.message,
            "logprobs": choice.logprobs,
            "finish_reason": choice.finish_reason or "stop",
        }
        for choice in (completion.choices if completion else ())
    ]
    body: JsonObject = {
        "id": routed.record.request_id,
        "object": "chat.completion",
        "created": int(routed.record.created_at.timestamp()),
        "model": routed.record.model,
        "choices": choices,
    }
    if completion and completion.usage:
        body["usage"] = usage_body(completion.usage)
    return body


def usage_body(usage: Usage) -> JsonObject:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
    }


def route_headers(routed: Routed) -> dict[str, str]:
    """The decision, for a caller who wants to know; a cost that is unknown has no header."""
    record = routed.record
    headers = {
        "x-request-id": record.request_id,
        "x-route-tier": str(record.tier.value),
        "x-route-reason": record.reason.value,
        "x-route-model": record.model,
        "x-route-prompt-version": record.prompt_version,
        "x-route-cost-usd": _usd(record.cost_usd),
        "x-route-saved-usd": _usd(record.saved_usd),
        "x-route-overhead-ms": f"{routed.overhead_ms:.1f}",
    }
    return {name: value for name, value in headers.items() if value is not None}


def models_body(catalog: ModelCatalog, allowed: frozenset[Tier]) -> JsonObject:
    """`auto`, the tiers' aliases and the tier models that a key may name."""
    names = ["auto"]
    names += [tier.alias for tier in sorted(allowed)]
    names += [catalog.tiers[tier].model for tier in sorted(allowed)]
    data: list[JsonValue] = [
        {"id": name, "object": "model", "created": 0, "owned_by": name.partition("/")[0]}
        for name in dict.fromkeys(names)
    ]
    return {"object": "list", "data": data}


def _usd(cost: float | None) -> str | None:
    return None if cost is None else f"{cost:.9f}"
