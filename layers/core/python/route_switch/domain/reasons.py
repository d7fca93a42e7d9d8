"""Plain words for the errors of libraries."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SHOULD = re.compile(r"^\w+ should ")
_OBJECTS = frozenset({"model_type", "model_attributes_type", "dict_type"})
_PLACE = re.compile(r" at line 1 column (\d+)$")


def why_invalid(problem: "ErrorDetails") -> str:
    """Return a validation error as a predicate of its field, such as `is missing`."""
    message, kind = problem["msg"].rstrip("."), problem["type"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a known field"
    if kind in _OBJECTS:
        return "must be an object"
    if kind == "too_short" and problem.get("ctx", {}).get("min_length") == 1:
        return "must not be empty"
    if kind == "json_invalid":
        detail = _PLACE.sub(r" at column \1", message.removeprefix("Invalid JSON: "))
        return f"is invalid JSON ({detail})"
    if kind == "value_error":
        return f"is invalid: {message.removeprefix('Value error, ')}"
    return _SHOULD.sub("must ", message) if _SHOULD.match(message) else f"is invalid: {message}"


def fault(problem: "ErrorDetails") -> str:
    """Return a validation error as what follows a colon, such as `missing`."""
    return why_invalid(problem).removeprefix("is ").removeprefix("invalid: ")


def why_unusable(error: Exception) -> str:
    """Return the reason without the path, which the sentence around it names."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
