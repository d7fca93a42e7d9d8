"""Plain words for the errors of libraries."""

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SHOULD = re.compile(r"^\w+ should ")
_PLACE = re.compile(r" at line 1 column (\d+)$")
_PLAIN_NAME = re.compile(r"[\w-]{1,60}")
_LONGEST_NAME = 60
_OBJECT = "must be an object"
_KINDS = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), _OBJECT),
    **dict.fromkeys(("dataclass_type", "mapping_type"), _OBJECT),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "must be a list"),
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
}
"""Reasons by the validator's type of error."""


def why_invalid(problem: "ErrorDetails") -> str:
    """Return a validation error as a predicate of its field, such as `is missing`."""
    message, kind = problem["msg"].rstrip("."), problem["type"]
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in ("too_short", "too_long") and "ctx" in problem:
        return _wrong_count(kind, problem["ctx"])
    if kind == "json_invalid":
        detail = _PLACE.sub(r" at column \1", message.removeprefix("Invalid JSON: "))
        return f"is invalid JSON ({detail})"
    if kind in ("value_error", "assertion_error"):
        return f"is invalid: {message.partition(', ')[2]}"
    return _SHOULD.sub("must ", message) if _SHOULD.match(message) else f"is invalid: {message}"


def _wrong_count(kind: str, about: dict[str, object]) -> str:
    """The validator would count items "after validation"."""
    least = about.get("min_length")
    if kind == "too_short" and least == 1:
        return "must not be empty"
    limit = least if kind == "too_short" else about.get("max_length")
    bound = "at least" if kind == "too_short" else "at most"
    return f"must have {bound} {limit} {'entry' if limit == 1 else 'entries'}"


def fault(problem: "ErrorDetails") -> str:
    """Return a validation error as what follows a colon, such as `missing`."""
    return why_invalid(problem).removeprefix("is ").removeprefix("invalid: ")


def path_within(path: str, name: str) -> str:
    """Return the path of a field inside another one: `tags.team`, or `tags["a b"]` if the name has
    characters that would make it unclear. It is cut if it is long."""
    if _PLAIN_NAME.fullmatch(name):
        return f"{path}.{name}" if path else name
    cut = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return f"{path}[{json.dumps(cut, ensure_ascii=False)}]" if path else cut


def why_unusable(error: Exception) -> str:
    """Return the reason without the path, which the sentence around it names."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
