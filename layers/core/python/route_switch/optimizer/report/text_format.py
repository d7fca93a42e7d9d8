"""Formats of a report's figures ("0.62 (0.58–0.66)", "93.4% (91–95)", "$1,240"), and its tables."""

import math
from dataclasses import dataclass

from route_switch.domain.plain_text import visible as visible
from route_switch.optimizer.report.figures import Interval

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Folded:
    """A cell that shows `summary`, and can unfold to `text` in HTML."""

    summary: str
    text: str


Cell = str | Folded


@dataclass(frozen=True, slots=True)
class ReportTable:
    """The first `texts` columns hold text, the others figures. The rows in `strong` are bold."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    texts: int = 1
    strong: frozenset[int] = frozenset()


def fixed(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """Format with a real minus sign and without negative zero."""
    return f"{value:{'+' if signed else ''}z,.{digits}f}".replace("-", "−")


def span(low: str, high: str) -> str:
    """Join two bounds with a dash, or with "to" if a sign would make the dash look like minus."""
    return f"{low} to {high}" if {"−", "+"} & {low[0], high[0]} else f"{low}–{high}"


def ratio(value: Interval, digits: int = 2) -> str:
    """Format the mean, with its interval in two digits unless the figure is certain."""
    mean = fixed(value.mean, digits)
    return mean if value.low == value.high else f"{mean} ({bounds(value)})"


def bounds(value: Interval, digits: int = 2, *, signed: bool = False) -> str:
    return span(
        fixed(value.low, digits, signed=signed),
        fixed(value.high, digits, signed=signed),
    )


def percent(value: Interval) -> str:
    """Format a share with its interval; the bounds have one digit less than the mean."""
    mean = share(value.mean)
    return mean if value.low == value.high else f"{mean} ({percent_bounds(value)})"


def percent_bounds(value: Interval) -> str:
    return span(fixed(100 * value.low, 0), fixed(100 * value.high, 0))


def share(value: float) -> str:
    return f"{fixed(100 * value, 1)}%"


def difference(value: Interval) -> str:
    return f"{fixed(value.mean, 3, signed=True)} ({bounds(value, 3, signed=True)})"


def difference_word(value: Interval) -> str:
    if value.low > 0:
        return "better"
    return "worse" if value.high < 0 else "not clearly different"


def plus_minus(value: Interval, *, signed: bool = False) -> str:
    """Format as "0.04 ± 0.03", with half the interval's width; with three digits if it is small."""
    half = (value.high - value.low) / 2
    digits = 2 if half >= 0.0095 else 3
    return f"{fixed(value.mean, digits, signed=signed)} ± {fixed(half, digits)}"


def usd(value: float) -> str:
    """Format USD: whole dollars from 100, cents from 1, and three significant digits below."""
    size = abs(value)
    if size >= 1 or size == 0:
        text = f"{size:,.{0 if size >= 100 else 2}f}"
    else:
        text = f"{size:.{2 - math.floor(math.log10(size))}f}"
    return f"{'−' if value < 0 else ''}${text}"


def usd_bounds(value: Interval) -> str:
    return span(usd(value.low), usd(value.high))


def milliseconds(value: Interval) -> str:
    return f"{fixed(value.mean, 0)} ms ({bounds(value, 0)})"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
