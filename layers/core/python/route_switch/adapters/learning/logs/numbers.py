"""Numbers as logs and spreadsheets write them."""

import re
from collections.abc import Mapping
from typing import TypeVar

from route_switch.domain.learning.logged_call import UnusableRowError
from route_switch.domain.learning.quantities import MAX_LATENCY_MS, MAX_USD
from route_switch.domain.usage import MAX_TOKENS

_MOST: Mapping[str, float] = {
    "cost_usd": MAX_USD,
    "input_tokens": MAX_TOKENS,
    "output_tokens": MAX_TOKENS,
    "milliseconds": MAX_LATENCY_MS,
    "seconds": MAX_LATENCY_MS / 1000,
    "latency_ms": MAX_LATENCY_MS,
}
Number = TypeVar("Number", int, float)
_THOUSANDS = re.compile(r"\s*[1-9]\d{0,2}([.,' \u00a0\u202f]\d{3})+\s*")
"""A count with divided thousands, which has no fraction."""


def is_grouped(count: str) -> bool:
    """Whether a count is written with divided thousands."""
    return _THOUSANDS.fullmatch(count) is not None


def limited(what: str, number: Number) -> Number:
    """Return the number. Raise `UnusableRowError` if it is absurd: it would decide every mean."""
    most = _MOST.get(what)
    if most is not None and number > most:
        raise UnusableRowError(f"its {what} is above {most:,.0f}")
    return number


def number_in(text: str) -> float | None:
    """Return the number that a spreadsheet wrote with a point or a comma, thousands and currency.

    Of a point and a comma, the last one divides the fraction. A comma alone does so too, unless
    groups of three digits follow: then it divides thousands.
    """
    plain = re.sub(r"[$€£\s\u00a0\u202f'_]", "", text)
    if "," in plain and plain.rfind(",") > plain.rfind("."):
        grouped = re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+", plain) is not None
        plain = plain.replace(",", "") if grouped else plain.replace(".", "").replace(",", ".")
    else:
        plain = plain.replace(",", "")
    try:
        return float(plain)
    except ValueError:
        return None
