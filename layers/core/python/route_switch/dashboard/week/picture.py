"""The picture of the weekly report: what each day cost, and would have cost on Tier 3.

The page's style sheet colors it by class, light and dark.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from html import escape

from route_switch.domain.operations.amounts import usd
from route_switch.domain.operations.costs import CostTotals
from route_switch.optimizer.report.pictures.svg import AxisScale, grid, picture, text

WIDE, NARROW, HEIGHT = 920.0, 350.0, 220.0
LEFT, TOP, BOTTOM = 62.0, 10.0, 24.0
LABEL_WIDTH = 54.0
"""What a day's label needs, in pixels."""
LABEL = "Spent, and the estimated cost of all answers on Tier 3, by day"


def spent_by_day(days: Mapping[date, CostTotals], width: float, kind: str) -> str | None:
    """Return the picture; None if nothing was spent."""
    tallest = max((_height(costs) for costs in days.values()), default=0.0)
    if tallest <= 0:
        return None
    scale = AxisScale(0, _round_above(tallest), HEIGHT - BOTTOM, TOP)
    return picture(width, HEIGHT, LABEL, [*_axis(scale, width), *_bars(days, scale, width)], kind)


def _round_above(value: float) -> float:
    """Return the next value whose thirds are short numbers."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1.5, 3, 6, 9, 15) if factor * power >= value)


def _height(costs: CostTotals) -> float:
    return max(costs.with_learning_usd, costs.baseline_usd or 0.0)


def _axis(scale: AxisScale, width: float) -> Iterator[str]:
    for part in range(4):
        value = scale.high * part / 3
        yield grid((LEFT, scale(value)), (width, scale(value)))
        yield text((LEFT - 8, scale(value) + 4), usd(value), anchor="end", size=12)


def _bars(days: Mapping[date, CostTotals], scale: AxisScale, width: float) -> Iterator[str]:
    step = (width - LEFT) / len(days)
    every = -int(-LABEL_WIDTH // step)
    bar = min(step * 0.36, 34.0)
    for number, (day, costs) in enumerate(days.items()):
        middle = LEFT + step * (number + 0.5)
        name, spent = f"{day:%b} {day.day}", costs.with_learning_usd
        if costs.baseline_usd is not None:
            tip = f"{name}: {usd(costs.baseline_usd)} on Tier 3 (estimated)"
            yield _bar(middle - bar, bar, costs.baseline_usd, scale, tip, "base")
        yield _bar(middle, bar, spent, scale, f"{name}: {usd(spent)} spent", "spent")
        if number % every == 0:
            yield text((middle, HEIGHT - 6), name, anchor="middle", size=12)


def _bar(
    left: float, width: float, amount_usd: float, scale: AxisScale, tip: str, kind: str
) -> str:
    top = scale(amount_usd)
    height = scale(0) - top
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"><title>{escape(tip)}</title></rect>'
    )
