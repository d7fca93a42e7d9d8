"""Cost and quality as a plot of characters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 66, 17
LABEL = 5
"""Columns of the quality axis."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A character at a cost and a quality. Later marks cover earlier ones."""

    character: str
    cost: float
    quality: float


def plot(marks: Sequence[Mark]) -> list[str]:
    """Return lines of at most 80 characters: quality upward, cost to the right."""
    high = max(1.0, *(mark.cost for mark in marks))
    low = min(mark.quality for mark in marks)
    bottom = min(low - 0.01, 0.99)
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for mark in marks:
        column = round(mark.cost / high * (WIDTH - 1))
        row = round((1 - mark.quality) / (1 - bottom) * (HEIGHT - 1))
        rows[min(max(row, 0), HEIGHT - 1)][min(max(column, 0), WIDTH - 1)] = mark.character
    return [*_quality_axis(rows, bottom), *_cost_axis(high)]


def _quality_axis(rows: Sequence[Sequence[str]], bottom: float) -> Iterable[str]:
    for number, row in enumerate(rows):
        quality = 1 - number / (HEIGHT - 1) * (1 - bottom)
        label = f"{100 * quality:.0f}%" if number % 4 == 0 else ""
        yield f"{label:>{LABEL}} │{''.join(row).rstrip()}"


def _cost_axis(high: float) -> Iterable[str]:
    yield f"{'':>{LABEL}} └{'─' * WIDTH}"
    places = [0.0, 0.25, 0.5, 0.75, 1.0]
    line = [" "] * (WIDTH + 4)
    for place in places:
        start = round(place * (WIDTH - 1))
        label = f"{place * high:.2f}"
        line[start : start + len(label)] = label
    yield f"{'':>{LABEL}}  {''.join(line).rstrip()}"
