"""The body of a request as a JSON object, and what is wrong with one of its fields."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from math import isinf
from typing import TYPE_CHECKING, NoReturn, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from route_switch.api.request_shape import MAX_DEPTH, check_number_of_values, check_shape
from route_switch.api.route_options import RouteOptions
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject
from route_switch.domain.reasons import path_within, why_invalid

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)
Advice = Callable[[str, str], str | None]
"""Takes a field's path and the validator's type of error. Returns a better message than the
validator's, if it knows one."""


def parse_object(body: bytes, needed: str = "messages") -> JsonObject:
    """Return the request. Raise `RequestRefusedError` if the body is not a JSON object that can be
    recorded. `needed` names a field that every request must have; empty if there is none.

    Of a field that occurs twice, the last one counts. Providers are sent the result, not the body,
    so that no provider reads the other one.
    """
    if body.startswith(BOM_UTF8):
        raise RequestRefusedError(
            "The request body begins with a byte order mark. Send JSON in UTF-8 without one.",
            code="invalid_encoding",
        )
    check_number_of_values(body)
    content = _parse_json(body)
    if not isinstance(content, dict):
        with_field = f" with '{needed}'" if needed else ""
        raise RequestRefusedError(
            f"The request body must be a JSON object{with_field}.", code="invalid_json"
        )
    check_shape(content)
    return content


def validated(model: type[Model], content: JsonObject, advice: Advice, api: str) -> Model:
    """Validate the request. Raise `RequestRefusedError` for its first invalid field. `api` is the
    name of the API whose documentation describes the field."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        # Alternatives of a field are tried in turn. The last one has come furthest.
        problem = max(problems, key=lambda each: len(_path_of(content, each)))
        param, kind = _path_of(content, problem), problem["type"]
        missing = f"'{param}' is missing." if kind == "missing" else None
        raise RequestRefusedError(
            advice(param, kind)
            or _advice_in_general(param, content, kind)
            or missing
            or f"'{param}' {_why_invalid(problem)}. {_where_described(param, api)}",
            code="missing_required_parameter" if kind == "missing" else "invalid_value",
            param=param,
        ) from error


def _advice_in_general(param: str, content: JsonObject, kind: str) -> str | None:
    if kind == "extra_forbidden":
        return f"'{param}' is not an option. Options: {', '.join(RouteOptions.model_fields)}."
    if param == "messages" and kind == "too_short":
        return "'messages' is empty. Send at least one message."
    if re.fullmatch(r"messages\[\d+\]", param) and kind == "model_type":
        return f"'{param}' must be a JSON object with 'role' and 'content'."
    if param == "service_tier":
        return (
            f"'service_tier' is {json.dumps(content['service_tier'])[:40]}, but the owner of this "
            "router decides what an answer may cost. Send 'auto', or leave it out."
        )
    return None


def _where_described(param: str, api: str) -> str:
    if param.split(".")[0] == "route_switch":  # no provider describes the router's own options
        return "GET /openapi.json describes the options of 'route_switch'."
    return f"See {api} for its format."


def _why_invalid(problem: "ErrorDetails") -> str:
    why = why_invalid(problem)
    return "must be a JSON object" if why == "must be an object" else why


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
    except json.JSONDecodeError as error:
        raise RequestRefusedError(
            "The request body is not valid JSON. Send one JSON object.", code="invalid_json"
        ) from error
    except ValueError as error:
        raise RequestRefusedError(
            "A number in the body is too large. Send a smaller one.", code="invalid_value"
        ) from error
    return content


def _finite(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        raise ValueError(f"{digits} is out of range")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError("a constant that JSON does not have", name, 0)


def _path_of(content: JsonValue, problem: "ErrorDetails") -> str:
    """Return the field in OpenAI's notation, such as `messages[0].role`. Leave out the parts that
    the validator adds to name a field's alternatives."""
    path, location = "", problem["loc"]
    for part in location:
        if isinstance(content, dict) and part in content:
            path = path_within(path, str(part))
            content = content[str(part)]
        elif isinstance(content, list) and isinstance(part, int):
            path += f"[{part}]"
            content = content[part]
    if problem["type"] == "missing":
        return path_within(path, str(location[-1]))
    return path
