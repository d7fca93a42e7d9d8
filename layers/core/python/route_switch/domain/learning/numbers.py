r"""Numbers as people and models write them: `$1,000.00`, `-3/4`, `50%`, `2e5`, `\frac{1}{2}`.

A number is read as the set of values that its writer may mean: `50%` is 50 or 0.5.
"""

import math
import re

_LATEX_FRACTION = re.compile(r"\\[dt]?frac\s*\{(-?[\d.,]+)\}\s*\{([\d.,]+)\}")
_TIMES_POWER_OF_TEN = re.compile(r"(?<=\d)\s*(?:×|\\times|\*|x)\s*10\s*\^\s*\{?([+-]?\d+)\}?")
_POWER_OF_TEN = re.compile(r"\b10\s*\^\s*\{?([+-]?\d+)\}?")
_LATEX = re.compile(r"\\[,;! ]|\\text\{[^}]*\}|[{}]|\*\*")
_CURRENCY = re.compile(r"\\?[$€£¥]|\\(?=%)")
_NUMBER = r"[+-]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+|(?<=\d)\.)?(?<=[\d.])(?:[eE][+-]?\d+)?"
_WRITTEN = re.compile(rf"(?<![\w.])({_NUMBER})(?:\s*/\s*({_NUMBER}))?\s*(%|percent\b)?")
_TOLERANCE = 1e-9


def is_number(text: str) -> bool:
    """Whether the whole text is one number."""
    return _WRITTEN.fullmatch(_plain(text)) is not None


def last_number(text: str) -> frozenset[float]:
    """What the last number in a text may mean; empty if there is none."""
    values: frozenset[float] = frozenset()
    for match in _WRITTEN.finditer(_plain(text)):
        values = _values(*match.groups()) or values
    return values


def same(ours: frozenset[float], theirs: frozenset[float]) -> bool:
    """Whether two numbers may mean the same value, but for rounding in the 9th digit."""
    return any(
        math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE) for a in ours for b in theirs
    )


def _plain(text: str) -> str:
    text = text.replace("\u2212", "-").replace("{,}", ",")
    text = _LATEX_FRACTION.sub(r" \1/\2", text)
    text = _POWER_OF_TEN.sub(r"1e\1", _TIMES_POWER_OF_TEN.sub(r"e\1", text))
    return _CURRENCY.sub("", _LATEX.sub(" ", text)).strip()


def _values(number: str, denominator: str | None, percent: str | None) -> frozenset[float]:
    value = float(number.replace(",", ""))
    if denominator is not None:
        below = float(denominator.replace(",", ""))
        if below == 0:
            return frozenset()
        value /= below
    return frozenset({value, value / 100} if percent else {value})
