"""Place the labels of points so that none covers another label, a mark, or the edge of the picture.

Each label tries places around its point, and takes the one that is near and crosses few lines. A
label that fits nowhere is left out; the mark's tooltip and the table still name it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from route_switch.optimizer.report.pictures.svg import Box, Point, text_width

DISTANCES = (9.0, 18.0, 30.0, 44.0, 60.0, 80.0)
"""Distances from the point to the label's nearest side or corner, in pixels."""
DIRECTIONS = 16
STEP_PER_CROSSING = 1.5
"""How many distances farther a label may go to cross one line less."""
BOX_PIXELS = 24.0
"""The length of a piece of a line that counts as one crossing."""
ASCENT, DESCENT = 0.95, 0.3
"""The extents of a line of text, relative to its size."""


@dataclass(frozen=True, slots=True)
class Labeled:
    """A point with its label; `radius` is the mark's, in pixels."""

    at: Point
    label: str
    radius: float


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a label is. `is_far` asks for a line from the point to the label."""

    label: str
    box: Box
    at: Point
    is_far: bool

    @property
    def baseline(self) -> Point:
        """The start of the text."""
        height = self.box.bottom - self.box.top
        return self.box.left, self.box.bottom - height * DESCENT / (ASCENT + DESCENT)

    @property
    def nearest(self) -> Point:
        """The point of the box that is nearest to the mark."""
        x = min(max(self.at[0], self.box.left), self.box.right)
        y = min(max(self.at[1], self.box.top), self.box.bottom)
        return x, y


def place(
    points: Sequence[Labeled], area: Box, size: float = 13, lines: Sequence[Box] = ()
) -> list[Placed | None]:
    """Return a place for each label, or None where there is none. The first points choose first.

    `lines` are better not crossed, but may be.
    """
    marks = [_around(point) for point in points]
    taken: list[Box] = []
    found: list[Placed | None] = []
    for point in points:
        free = [
            (_cost(number // DIRECTIONS, placed, lines), number, placed)
            for number, placed in enumerate(_places(point, size))
            if area.contains(placed.box)
            and not any(placed.box.overlaps(box) for box in (*taken, *marks))
        ]
        best = min(free, key=lambda each: each[:2])[2] if free else None
        found.append(best)
        if best is not None:
            taken.append(best.box)
    return found


def along(points: Sequence[Point]) -> list[Box]:
    """Return boxes that cover a line through `points`, for `place` to avoid."""
    boxes = []
    for (x1, y1), (x2, y2) in pairwise(points):
        count = int(math.hypot(x2 - x1, y2 - y1) / BOX_PIXELS) + 1
        for part in range(count):
            shares = (part / count, (part + 1) / count)
            xs = sorted(x1 + (x2 - x1) * share for share in shares)
            ys = sorted(y1 + (y2 - y1) * share for share in shares)
            boxes.append(Box(xs[0] - 1, ys[0] - 1, xs[1] + 1, ys[1] + 1))
    return boxes


def _cost(distance: int, placed: Placed, lines: Sequence[Box]) -> float:
    return distance + STEP_PER_CROSSING * sum(placed.box.overlaps(line) for line in lines)


def _around(point: Labeled) -> Box:
    (x, y), reach = point.at, point.radius * 1.2
    return Box(x - reach, y - reach, x + reach, y + reach)


def _places(point: Labeled, size: float) -> Iterator[Placed]:
    width, height = text_width(point.label, size), size * (ASCENT + DESCENT)
    for distance in DISTANCES:
        for number in range(DIRECTIONS):
            # From the upper right, alternating to both sides.
            turn = (number + 1) // 2 * (-1 if number % 2 else 1)
            angle = math.pi / 4 + turn * 2 * math.pi / DIRECTIONS
            dx, dy = math.cos(angle), -math.sin(angle)
            x = point.at[0] + dx * (distance + point.radius / 2)
            y = point.at[1] + dy * (distance + point.radius / 2)
            left = x - width * (1 - dx) / 2
            top = y - height * (1 - dy) / 2
            box = Box(left, top, left + width, top + height)
            yield Placed(point.label, box, point.at, distance > DISTANCES[1])
