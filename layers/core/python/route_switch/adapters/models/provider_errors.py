"""What a provider says when it fails, in every body shape, as one of the product's errors.

Known shapes: OpenAI and Azure (`{"error": {message, code, param, type}}`), Gemini's compatible
endpoint (an array of such objects, with `details`), FastAPI (`detail`: a text, or a list of `msg`
and `loc`; Mistral has it inside `message`), OpenRouter (the reason in `metadata.raw`), Cloudflare
(a list `errors`), MiniMax (`base_resp` inside a 200), AWS (`{"Message": …}`), `{"message": …}`,
`{"error": "…"}`, plain text, HTML of a proxy; any of them as a text inside another one's message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from route_switch.adapters.models.retry_advice import retry_after_s
from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelUnusableError,
)
from route_switch.domain.json_values import InvalidJsonError, parse_json, valid_text
from route_switch.domain.usage import Usage

REFUSALS = frozenset({400, 413, 422})
"""Statuses that speak of the request."""
LIMITED = (429, 503)
"""Statuses of providers that have no room at the moment."""
UNUSABLE = frozenset({*range(300, 400), 401, 402, 403, 404, 405, 410})
"""Statuses that no repetition fixes: key, payment, permission, model or address."""
EXHAUSTED = frozenset(
    {
        *("insufficient_quota", "billing_hard_limit_reached", "credits_exhausted"),
        *("exceeded_current_quota_error", "billing_not_active"),
    }
)
"""Codes, or types, of accounts that have to be paid first."""
STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
}
"""Statuses of error types, by OpenAI's and Anthropic's documentation: an error inside an answer has
no status of its own."""
NO_REASON = "it gives no reason"
MAX_MESSAGE = 1000

_OWNERS_FAULT = re.compile(
    r"api[ _-]?key|credit balance|billing|insufficient (?:credit|balance|quota)|"
    r"model\b.{0,80}\b(?:not found|does not exist|no longer)|"
    r"model\s+(?:\S{1,100}\s+)?(?:is\s+)?not supported|"
    r"model identifier is invalid|on-demand throughput|operation not allowed",
    re.IGNORECASE,
)
"""Some providers answer 400 where the owner's key, account or model name is the reason."""
_TOO_LONG = re.compile(
    r"(?:prompt|input|context)\b.{0,40}\btoo long|maximum context length|exceeds? the context",
    re.IGNORECASE,
)
"""What providers without a code of their own say of a conversation that is too long."""
_STATUS = re.compile(r"[45]\d\d")


@dataclass(frozen=True, slots=True)
class Problem:
    """`code`, `param` and `kind` (OpenAI's `type`) are None where the provider gives none."""

    message: str
    code: str | None = None
    param: str | None = None
    kind: str | None = None


def error_of_response(
    model: str, status: int, headers: Mapping[str, str], content: bytes
) -> ModelError:
    """Return the error for a response with an error status."""
    try:
        body = parse_json(content)
    except InvalidJsonError:
        body = content.decode("utf-8", "replace")
    problem = read_problem(body)
    wait_s = retry_after_s(headers, body, limited=status in LIMITED)
    return error_of(model, problem, status, wait_s)


def error_in_answer(model: str, body: JsonValue, usage: Usage | None) -> ModelError:
    """Return the error that is inside an answer whose status says that all is well."""
    problem = read_problem(body)
    stated = problem.code if problem.code and _STATUS.fullmatch(problem.code) else None
    status = int(stated) if stated else STATUSES.get(problem.kind or "")
    wait_s = retry_after_s({}, body, limited=status in LIMITED)
    return error_of(model, problem, status, wait_s, usage)


def has_reason(body: JsonValue) -> bool:
    return read_problem(body).message != NO_REASON


def error_of(
    model: str,
    problem: Problem,
    status: int | None,
    wait_s: float | None = None,
    usage: Usage | None = None,
) -> ModelError:
    """Return the error of this kind; `usage` is what the provider reports to have used."""
    kind, verb = _kind_of(problem, status)
    if kind is InvalidModelRequestError and not problem.code and _TOO_LONG.search(problem.message):
        problem = replace(problem, code="context_length_exceeded", param="messages")
    words = f": {problem.message}"
    if status and kind is not InvalidModelRequestError:
        words = f" with status {status}" + ("" if kind is ModelError else words)
    return kind(
        f"{model} {verb}{words}",
        status=status,
        code=problem.code,
        param=problem.param,
        retry_after_s=wait_s,
        usage=usage,
        quotes_provider=True,
    )


def _kind_of(problem: Problem, status: int | None) -> tuple[type[ModelError], str]:
    owners_fault = problem.param != "messages" and _OWNERS_FAULT.search(problem.message)
    exhausted = not EXHAUSTED.isdisjoint((problem.code, problem.kind))
    if exhausted or status in UNUSABLE or (status in REFUSALS and owners_fault):
        return ModelUnusableError, "failed"
    if status in REFUSALS:
        return InvalidModelRequestError, "rejected the request"
    return ModelError, "failed"


def read_problem(body: JsonValue) -> Problem:
    """Return what an error body says."""
    match body:
        case [first, *_] | {"errors": [first, *_]}:
            return read_problem(first)
        case {"error": dict(error)}:
            return _problem_in(error)
        case {"error": [first, *_]}:
            return read_problem(first)
        case {"error": str(message)} if message.strip():
            return Problem(_short(message))
        case {"detail": list(details)}:
            return _fastapi(details)
        case {"detail": str(message)}:
            return Problem(_short(message))
        case {"detail": dict(detail)}:
            return read_problem({"error": detail})
        case {"base_resp": {"status_msg": str(message), "status_code": int(status)}} if status:
            return Problem(_short(message), str(status))
        case dict():
            return _problem_in(body)
        case str(text) if text.strip():
            return Problem(_page_text(text))
    return Problem(NO_REASON)


def _problem_in(error: Mapping[str, JsonValue]) -> Problem:
    problem = Problem(
        NO_REASON, code=_code(error), param=_text(error.get("param")), kind=_text(error.get("type"))
    )
    metadata = error.get("metadata")
    behind = metadata.get("raw") if isinstance(metadata, dict) else None
    for value in (behind, *map(error.get, _MESSAGES)):
        found = _inside(value)
        if found is not None:
            named = {
                n: v for n in ("code", "param", "kind") if (v := getattr(found, n)) is not None
            }
            return replace(problem, message=found.message, **named)
    return problem


_MESSAGES = ("message", "msg", "detail", "title", "Message", "error_description", "error", "errors")
"""Fields in which an error may have its message, the likely ones first."""


def _inside(value: JsonValue) -> Problem | None:
    """Return what a message says. A gateway may have the provider's whole body there, as a text or
    as JSON."""
    if isinstance(value, dict | list):
        problem = read_problem(value)
        return None if problem.message == NO_REASON else problem
    words = _text(value)
    if words is not None and words.lstrip().startswith(("{", "[")):
        try:
            return _inside(parse_json(words)) or Problem(_short(words))
        except InvalidJsonError:
            pass
    return None if words is None else Problem(_short(words))


def _fastapi(details: list[JsonValue]) -> Problem:
    """The first of FastAPI's problems, with the field's place as `param`."""
    for detail in details:
        if isinstance(detail, dict):
            place = detail.get("loc")
            names = [str(n) for n in place if n != "body"] if isinstance(place, list) else []
            message = _text(detail.get("msg")) or NO_REASON
            return Problem(_short(message), param=".".join(names) or None)
    return Problem(_short("; ".join(map(str, details))) or NO_REASON)


def _text(value: JsonValue) -> str | None:
    """A text, or a number that is one (Gemini's `code` is the status)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return valid_text(value) if isinstance(value, str) and value.strip() else None


def _page_text(text: str) -> str:
    """The words of a proxy's HTML page, or the plain text."""
    return _short(re.sub(r"<[^>]{0,500}>", " ", text) if "<" in text else text)


def _short(text: str) -> str:
    words = " ".join(valid_text(text).split())
    return words if len(words) <= MAX_MESSAGE else words[:MAX_MESSAGE] + "…"


def _code(error: Mapping[str, JsonValue]) -> str | None:
    """The code, if it is a word; Gemini has the status number there and the word in `status`."""
    words = [v for n in ("code", "status") if isinstance(v := error.get(n), str) and v.strip()]
    return _text(words[0] if words else error.get("code"))
