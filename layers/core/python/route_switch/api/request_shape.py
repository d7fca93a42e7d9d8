"""The shape of a request's JSON: learning can read every request that is accepted here.

Requests are recorded and replayed as JSON inside JSON, by parsers that give up at about 200 levels.
"""

import re

from pydantic import JsonValue

from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject

MAX_DEPTH = 100
"""Tool schemas, the deepest legitimate values, have at most a few dozen levels."""
MAX_NAME_LENGTH = 256
MAX_FIELDS = 200
"""Fields of the request itself. OpenAI's API has about 40."""
MAX_CONTAINERS = 200_000
"""Objects and arrays of a request. A request of the largest size, made of the shortest content
parts, has 163,000. Millions of empty ones would cost seconds, parsing included."""
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A text without an end extends to the end of the body. Otherwise each quotation mark in it would
be tried as the beginning of a text."""


def check_number_of_values(body: bytes) -> None:
    """Raise `RequestRefusedError` when a request, not parsed yet, has too many objects and
    arrays."""
    if _brackets(body) > MAX_CONTAINERS and _brackets(_TEXT.sub(b"", body)) > MAX_CONTAINERS:
        raise _refused(
            f"The request has more than {MAX_CONTAINERS} objects and arrays. Send fewer of them."
        )


def _brackets(body: bytes) -> int:
    return body.count(b"[") + body.count(b"{")


def check_shape(content: JsonObject) -> None:
    """Raise `RequestRefusedError` when the request is nested too deeply, or has too many or too
    long field names."""
    if len(content) > MAX_FIELDS:
        raise _refused(
            f"The request has {len(content)} fields, but the limit is {MAX_FIELDS}. Remove those "
            "that the API does not know."
        )
    for name, value in content.items():
        _check_name(name, name)
        _check_value(value, name)


def _check_value(top: JsonValue, field: str) -> None:
    """Visit containers only: most values of a request are texts, which have no shape."""
    level: list[JsonValue] = [top]
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _containers(value, field)]
        if not level:
            return
    raise _refused(
        f"'{_short(field)}' is nested more than {MAX_DEPTH} levels deep. Send a flatter value.",
        field,
    )


def _containers(value: JsonValue, field: str) -> list[JsonValue]:
    if isinstance(value, dict):
        for name in value:
            _check_name(name, field)
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    if isinstance(value, list):
        return [inner for inner in value if isinstance(inner, dict | list)]
    return []


def _check_name(name: str, field: str) -> None:
    if len(name) > MAX_NAME_LENGTH:
        raise _refused(
            f"A field name in '{_short(field)}' has {len(name)} characters, but the limit is "
            f"{MAX_NAME_LENGTH}. Shorten it.",
            field,
        )


def _refused(message: str, field: str | None = None) -> RequestRefusedError:
    param = None if field is None else _short(field)
    return RequestRefusedError(message, code="invalid_value", param=param)


def _short(name: str) -> str:
    return name if len(name) <= 50 else f"{name[:50]}…"
