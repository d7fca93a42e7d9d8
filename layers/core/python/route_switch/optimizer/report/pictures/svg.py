"""SVG elements as text: one way to draw, for the report's page and for the pictures of docs/.

Colors are mid tones, legible on white and on near-black. A picture inside a page also has classes
(`ink`, `grid`), by which the page's style sheet recolors it; a picture in a file of its own needs
none. There is no script, no inline style and no font to load, so any content policy allows it.

Why not a library: plotly's bundle adds 4.8 MB of script to every report, bokeh's 1.3 MB and a
canvas that no style sheet recolors, and Altair needs `eval`, which a content policy forbids. None
of them keeps labels apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Literal

from route_switch.domain.plain_text import visible

GRAY, BLUE, ORANGE, GREEN = "#7d8590", "#3f7fd0", "#e0701a", "#2e9d68"

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; y grows downward."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def contains(self, other: "Box") -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


@dataclass(frozen=True, slots=True)
class AxisScale:
    """Maps values to pixels: `low` to `first`, `high` to `last`, and what is outside to the nearer
    of them."""

    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return self.first + (inside - self.low) / (self.high - self.low) * (self.last - self.first)

    def ticks(self, most: int = 6) -> list[float]:
        """Return round values inside the scale, at most `most`."""
        span = self.high - self.low
        steps = (factor * 10.0**power for power in range(-4, 4) for factor in (1, 2, 5))
        step = next(step for step in steps if span / step < most)
        first = -int(-self.low / step) if self.low < 0 else int(self.low / step + 0.9999999)
        count = int((self.high - first * step) / step + 1e-9) + 1
        return [round((first + number) * step, 6) for number in range(count)]


def picture(width: float, height: float, label: str, parts: Iterable[str], kind: str = "") -> str:
    """Return a whole picture. `label` is what a screen reader says, `kind` a class of the page."""
    named = f' class="{kind}"' if kind else ""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg"{named} viewBox="0 0 {width:g} {height:g}" '
            f'role="img" aria-label="{escape(visible(label))}" '
            'font-family="system-ui, sans-serif" font-size="13">',
            *parts,
            "</svg>",
        ]
    )


def text(
    at: Point,
    words: str,
    *,
    anchor: Anchor = "start",
    color: str = GRAY,
    size: float = 13,
    bold: bool = False,
) -> str:
    ink = ' class="ink"' if color == GRAY else ""
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" fill="{color}"{ink} '
        f'font-size="{size:g}"{weight}>{escape(visible(words))}</text>'
    )


def line(start: Point, end: Point, color: str = GRAY, *, width: float = 1) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{color}" stroke-width="{width:g}"/>'
    )


def grid(start: Point, end: Point) -> str:
    return (
        f'<line class="grid" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" '
        f'y2="{end[1]:.1f}" stroke="{GRAY}" stroke-opacity="0.3"/>'
    )


def path(points: Iterable[Point], color: str, tip: str, dash: str = "") -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<polyline points="{joined}" fill="none" stroke="{color}"{dashed}>{_tip(tip)}</polyline>'
    )


Shape = Literal["circle", "ring", "square", "triangle", "diamond", "star"]


def marker(shape: Shape, at: Point, radius: float, color: str, tip: str) -> str:
    """A mark whose shape differs, so that no one needs to tell colors apart."""
    x, y = at
    if shape in ("circle", "ring"):
        paint = f'fill="{color}"' if shape == "circle" else f'fill="none" stroke="{color}"'
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" {paint}>{_tip(tip)}</circle>'
    corners = " ".join(f"{x + radius * a:.1f},{y + radius * b:.1f}" for a, b in CORNERS[shape])
    return f'<polygon points="{corners}" fill="{color}">{_tip(tip)}</polygon>'


CORNERS: dict[Shape, tuple[Point, ...]] = {
    "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "triangle": ((0, -1.1), (1, 0.8), (-1, 0.8)),
    "star": (
        *((0, -1.5), (0.35, -0.48), (1.43, -0.46), (0.57, 0.19), (0.88, 1.21)),
        *((0, 0.6), (-0.88, 1.21), (-0.57, 0.19), (-1.43, -0.46), (-0.35, -0.48)),
    ),
}


def text_width(words: str, size: float = 13, *, bold: bool = False) -> float:
    """Return at least the width in pixels that common sans-serif fonts need; DejaVu Sans is the
    widest of them."""
    ems = sum(_ems(character) for character in visible(words))
    return size * ems * (1.08 if bold else 1.0)


def _ems(character: str) -> float:
    if character in "iljt.,:;|!' ":
        return 0.36
    if character in "()[]":
        return 0.42
    if character in "mwMW@%—…→":
        return 0.95
    if character.isupper() or character in "−+=±":
        return 0.72
    if character.isdigit():
        return 0.65
    return 0.6 if ord(character) < 0x2E80 else 1.05


def _tip(words: str) -> str:
    return f"<title>{escape(visible(words))}</title>"
