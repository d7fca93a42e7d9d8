"""JSON that every reader accepts: valid Unicode, finite numbers, bounded depth.

Providers and clients send half surrogate pairs, `NaN`, `Infinity` and numbers such as `1e999`.
Python reads all of them; DynamoDB, S3, browsers and strict JSON parsers refuse them.
"""

import json
import math
from typing import Any

from pydantic import JsonValue

LOWEST_LOGPROB = -9999.0
"""What OpenAI writes for a token outside the most likely ones; stands in for minus infinity."""
MAX_DEPTH = 200
"""Deeper values are refused. Python's own parser gives up at about 1,000 levels."""


class InvalidJsonError(ValueError):
    """The text is not JSON, or it is nested too deeply."""


def parse_json(text: str | bytes) -> JsonValue:
    """Parse JSON, ignoring a byte order mark; raise `InvalidJsonError` if that fails.

    The value may hold what JSON itself allows and others refuse: see `valid_json`.
    """
    try:
        decoded = text.decode("utf-8-sig", "replace") if isinstance(text, bytes) else text
        # Not strict: some servers do not escape line ends inside a text.
        value: JsonValue = json.loads(decoded, parse_int=_whole_number, strict=False)
        return value
    except (ValueError, RecursionError) as error:
        raise InvalidJsonError(str(error)) from error


def valid_json(value: Any, depth: int = 0) -> JsonValue:  # a library may return any value
    """Return the value with valid text and finite numbers.

    Half a surrogate pair becomes U+FFFD, two halves become their character, minus infinity becomes
    `LOWEST_LOGPROB`, and any other number that is not finite becomes None. Raise `InvalidJsonError`
    for a value that JSON cannot express or that is nested too deeply.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, float):
        return _finite(value)
    if depth > MAX_DEPTH:
        raise InvalidJsonError(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {valid_text(str(k)): valid_json(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [valid_json(each, depth + 1) for each in value]
    raise InvalidJsonError(f"{type(value).__name__} is not a JSON value")


def valid_text(text: str) -> str:
    """Return the text with every half surrogate pair replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _finite(number: float) -> float | None:
    if math.isfinite(number):
        return number
    return LOWEST_LOGPROB if number == -math.inf else None


def _whole_number(digits: str) -> int | float:
    """Turn integers beyond 64 bits into floats, which every reader accepts."""
    number = int(digits) if len(digits) < 20 else float(digits)
    return number if -(2**63) <= number < 2**63 else float(number)
