"""Requests of the OpenAI chat completion API."""

import json
import re
from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from route_switch.api.chat_schema import COMBINATIONS, IN_ORDER, REFUSED_FIELDS
from route_switch.api.request_shape import MAX_DEPTH, check_shape
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject
from route_switch.domain.reasons import why_invalid
from route_switch.domain.tiers import Tier
from route_switch.services.call_models import Deadline
from route_switch.services.eligible_models import TierRange
from route_switch.services.inbound_request import InboundRequest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

OWN_FIELDS = frozenset({"model", "messages", "stream", "stream_options", "route_switch"})
"""Request fields for the router, which are not passed to the tier's model."""

WHOLE_NUMBERS = ("max_tokens", "max_completion_tokens", "n", "seed")
"""Fields that are converted to integers, because they bound the cost of a request."""

MAX_TOKENS = 10_000_000
"""More than any model writes."""
IDEMPOTENCY_KEY = r"^[!-~]([ -~]{0,253}[!-~])?$"
MAX_USER_LENGTH = 256


def _whole(value: object) -> object:
    """JSON has one number type: 1.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
TierNumber = Annotated[int, Field(ge=1, le=3), Whole]


class RouteOptions(BaseModel):
    """Options for the router. With OpenAI's clients, pass `extra_body={"route_switch": {…}}`."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"anyOf": IN_ORDER})

    min_tier: Annotated[TierNumber, Field(description="Smallest tier allowed")] = 1
    max_tier: Annotated[TierNumber, Field(description="Largest tier allowed")] = 3
    dry_run: Annotated[bool, Field(description="Only decide; do not call the tier's model")] = False
    explain: Annotated[
        bool,
        Field(description="Ask the router LLM for its reason. Only for a dry run or /v1/route"),
    ] = False


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    include_usage: bool | None = None


class ContentPart(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    type: str


class Message(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    tool_calls: list[dict[str, JsonValue]] | None = None


class ChatRequest(BaseModel):
    """The validated fields of a request. All other fields pass through unchanged."""

    model_config = ConfigDict(extra="allow", strict=True, json_schema_extra={"allOf": COMBINATIONS})

    model: Annotated[str, Field(max_length=200)] = "auto"
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Annotated[str, Field(min_length=1, max_length=MAX_USER_LENGTH)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128), Whole] | None = None
    seed: Annotated[int, Whole] | None = None
    stop: str | list[str] | None = None
    tools: list[dict[str, JsonValue]] | None = None
    response_format: dict[str, JsonValue] | None = None
    logprobs: bool | None = None
    metadata: dict[str, JsonValue] | None = None
    service_tier: Literal["auto", "default"] | None = None
    route_switch: RouteOptions = RouteOptions()


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A validated request: the router's own fields, and the complete original in `content`."""

    content: JsonObject
    options: RouteOptions
    stream: bool
    include_usage: bool


def parse_chat_request(body: bytes) -> ChatCall:
    """Validate the request and return it unchanged. Raise `RequestRefusedError`."""
    content = _parse_json(body)
    if not isinstance(content, dict):
        raise RequestRefusedError(
            "The request body must be a JSON object with 'messages'.", code="invalid_json"
        )
    check_shape(content)
    _refuse_owner_fields(content)
    try:
        request = ChatRequest.model_validate(content)
    except ValidationError as error:
        _refuse(error, content)
    _check_combinations(request)
    content |= {name: getattr(request, name) for name in WHOLE_NUMBERS if name in content}
    options = request.stream_options
    return ChatCall(
        content,
        request.route_switch,
        stream=bool(request.stream),
        include_usage=bool(options and options.include_usage),
    )


def inbound_request(
    call: ChatCall, key: ApiKey, request_id: str, deadline: Deadline, idempotency_id: str | None
) -> InboundRequest:
    """Convert the request for the services."""
    content, options = call.content, call.options
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
        tiers=TierRange(Tier(options.min_tier), Tier(options.max_tier)),
        idempotency_id=idempotency_id,
        stream=call.stream,
        explain=options.explain,
    )


def check_explain(options: RouteOptions) -> None:
    """Raise `RequestRefusedError` for a request that is answered: it has no explanation."""
    if options.explain and not options.dry_run:
        raise RequestRefusedError(
            "'explain' is for decisions without an answer. Send the request to /v1/route, or set "
            "'dry_run' as well.",
            code="invalid_value",
            param="route_switch.explain",
        )


def check_idempotency_key(value: str | None) -> str | None:
    """Return the header's value. Raise `RequestRefusedError` if it is not a valid key."""
    if value is None or re.fullmatch(IDEMPOTENCY_KEY, value):
        return value
    raise RequestRefusedError(
        "An Idempotency-Key must have 1 to 255 printable ASCII characters. Send a UUID.",
        code="invalid_value",
        param="Idempotency-Key",
    )


def _refuse_owner_fields(content: JsonObject) -> None:
    for name in REFUSED_FIELDS:
        if name in content:
            raise RequestRefusedError(
                f"'{name}' is set by the owner and cannot be set by a request. Remove it.",
                code="unsupported_parameter",
                param=name,
            )


def _check_combinations(request: ChatRequest) -> None:
    options = request.route_switch
    if options.min_tier > options.max_tier:
        raise RequestRefusedError(
            f"min_tier {options.min_tier} is above max_tier {options.max_tier}. Lower it, or "
            "raise max_tier.",
            code="invalid_value",
            param="route_switch.min_tier",
        )
    if options.dry_run and request.stream:
        raise RequestRefusedError(
            "A dry run has nothing to stream. Remove 'stream'.",
            code="invalid_value",
            param="stream",
        )
    if request.stream_options is not None and not request.stream:
        raise RequestRefusedError(
            "'stream_options' requires 'stream': true. Set it, or remove 'stream_options'.",
            code="invalid_value",
            param="stream_options",
        )


def _parse_json(body: bytes) -> JsonValue:
    try:
        text = body.decode("utf-8", errors="strict")
        content: JsonValue = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise RequestRefusedError(
            "The request body is not valid UTF-8, or contains half a surrogate pair. "
            "Send JSON in UTF-8.",
            code="invalid_encoding",
        ) from error
    except RecursionError as error:
        raise RequestRefusedError(
            f"The request body is nested more than {MAX_DEPTH} levels deep. Send flatter values.",
            code="invalid_value",
        ) from error
    except ValueError as error:
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
    raise ValueError(f"{name} is not valid JSON")


def _refuse(error: ValidationError, content: JsonObject) -> NoReturn:
    problems = error.errors(include_url=False, include_input=False)
    # Alternatives of a field are tried in turn. The last one has come furthest.
    problem = max(problems, key=lambda each: len(_path_of(content, each)))
    param = _path_of(content, problem)
    raise RequestRefusedError(
        _advice(param, content, problem["type"])
        or f"'{param}' {why_invalid(problem)}. See the OpenAI chat completion API for its format.",
        code="missing_required_parameter" if problem["type"] == "missing" else "invalid_value",
        param=param,
    ) from error


def _advice(param: str, content: JsonObject, kind: str) -> str | None:
    """Return a better message than the validator's, where it knows one."""
    if kind == "extra_forbidden":
        return f"'{param}' is not an option. Options: {', '.join(RouteOptions.model_fields)}."
    if param == "service_tier":
        return (
            f"'service_tier' is {json.dumps(content['service_tier'])[:40]}, but the owner of this "
            "router decides what an answer may cost. Send 'auto' or 'default', or leave it out."
        )
    if re.fullmatch(r"messages\[\d+\]\.content", param):
        return f"'{param}' must be a text or a list of content parts, each with a 'type'."
    if re.fullmatch(r"messages\[\d+\]\.content\[\d+\](\.type)?", param):
        return (
            f"'{param.removesuffix('.type')}' is no content part: it needs a 'type', such as "
            '{"type": "text", "text": "…"}.'
        )
    return f"'{param}' is missing." if kind == "missing" else None


def _path_of(content: JsonValue, problem: "ErrorDetails") -> str:
    """Return the field in OpenAI's notation, such as `messages[0].role`. Leave out the parts that
    the validator adds to name a field's alternatives."""
    path, location = "", problem["loc"]
    for part in location:
        if isinstance(content, dict) and part in content:
            path += f".{part}" if path else str(part)
            content = content[str(part)]
        elif isinstance(content, list) and isinstance(part, int):
            path += f"[{part}]"
            content = content[part]
    if problem["type"] == "missing":
        return f"{path}.{location[-1]}" if path else str(location[-1])
    return path
