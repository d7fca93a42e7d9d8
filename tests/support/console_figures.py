"""Figures of the console's speed, measured on a machine that has other work too."""

from collections.abc import Callable

from tests.support.browser import SCREENSHOTS

TRIES = 5
"""The best of at most so many counts."""


def best_of(measure: Callable[[], float], below: float) -> float:
    """Measure until a figure is good enough."""
    figures = [measure()]
    while figures[-1] >= below and len(figures) < TRIES:
        figures.append(measure())
    return min(figures)


def keep_figure(name: str, value: float) -> None:
    """Write a figure beside the screenshots, for docs/console.md."""
    (SCREENSHOTS / f"{name}.txt").write_text(f"{value:.0f}\n")
