"""`make picture`: draw cost against quality from the reports of `make learn`, as SVG.

Usage: python -m docs.generate.picture [--reports FOLDER] [--images FOLDER]

The folder of reports holds `<set>/report.json`, as `make learn` leaves it in `.local/learn/`. The
same report gives the same bytes. Colors are mid tones, legible on white and on black.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from xml.sax.saxutils import escape

from route_switch.optimizer.report.figures import PolicyFigures, Report
from route_switch.optimizer.report.json_file import from_json
from route_switch.optimizer.report.text_format import percent, ratio

SETS = {"sample": "the packaged sample", "llmrouter-mix": "LLMRouter's thirteen tasks"}
"""The pictured sets, by the folder of their report; the first needs no further data."""

WIDTH, HEIGHT = 760, 500
LEFT, RIGHT, TOP, BOTTOM = 70, 730, 50, 370
MAX_COST, MAX_QUALITY = 1.05, 1.02
GRAY, BLUE, ORANGE, GREEN = "#7d8590", "#3f7fd0", "#e0701a", "#2e9d68"
LINE_CHARACTERS = 108
TIERS = ("tier-1", "tier-2", "tier-3")


@dataclass(frozen=True, slots=True)
class Style:
    """How a policy is labeled and drawn; `dx` and `dy` place the label, in pixels."""

    label: str
    color: str
    dx: int
    dy: int
    anchor: str = "start"
    radius: int = 5


STYLES = {
    "tier-1": Style("all on Tier 1", BLUE, 4, 34),
    "tier-2": Style("all on Tier 2", BLUE, 10, 18),
    "tier-3": Style("all on Tier 3", BLUE, 5, -10, "end"),
    "hand-written": Style("hand-written prompt", GRAY, 12, 18),
    "oracle": Style("oracle (upper bound)", GREEN, 10, -8),
    "candidate": Style("learned prompt", ORANGE, -10, -10, "end", 7),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps cost and quality to pixels. `floor` is the lowest quality that is shown."""

    floor: float

    def x(self, cost: float) -> float:
        return LEFT + cost / MAX_COST * (RIGHT - LEFT)

    def y(self, quality: float) -> float:
        return BOTTOM - (quality - self.floor) / (MAX_QUALITY - self.floor) * (BOTTOM - TOP)


def picture(report: Report, title: str) -> str:
    """Return the SVG of a report that measured policies on held-out rows."""
    policies = {p.policy: p for p in report.policies if p.policy in STYLES}
    lowest = min(policy.quality.low for policy in policies.values())
    scale = Scale(int(lowest * 10) / 10)
    tiers = [policies[name] for name in TIERS if name in policies]
    n = report.rows.heldout
    parts = [
        _text(LEFT, 24, f"Cost against quality on {title}: {n:,} held-out queries", size=16),
        *_axes(scale),
        _line([(p.cost.mean, p.quality.mean) for p in upper_hull(tiers)], scale),
        *(part for name in STYLES if name in policies for part in _point(policies[name], scale)),
        *_notes(report),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def upper_hull(policies: Iterable[PolicyFigures]) -> list[PolicyFigures]:
    """Return the policies that no random mix of two others beats at the same cost."""
    hull: list[PolicyFigures] = []
    for policy in sorted(policies, key=lambda p: p.cost.mean):
        while len(hull) > 1 and _slope(hull[-2], policy) >= _slope(hull[-2], hull[-1]):
            hull.pop()
        hull.append(policy)
    return hull


def _slope(a: PolicyFigures, b: PolicyFigures) -> float:
    return (b.quality.mean - a.quality.mean) / (b.cost.mean - a.cost.mean)


def _axes(scale: Scale) -> Iterable[str]:
    for tick in range(round(scale.floor * 100), 101, 10):
        y = scale.y(tick / 100)
        yield _stroke(LEFT, y, RIGHT, y, GRAY, 0.25)
        yield _text(LEFT - 8, y + 4, f"{tick}%", anchor="end")
    for fifth in range(6):
        x = scale.x(fifth / 5)
        yield _stroke(x, TOP, x, BOTTOM, GRAY, 0.25)
        yield _text(x, BOTTOM + 18, f"{fifth / 5:.1f}", anchor="middle")
    yield _text(RIGHT, BOTTOM + 38, "cost of answers and router; 1.0 = all on Tier 3", anchor="end")
    yield _text(LEFT, TOP - 6, "quality: share of answers rated no worse than Tier 3's")


def _point(policy: PolicyFigures, scale: Scale) -> Iterable[str]:
    """A point, its 95% intervals, its label, and its figures as a tooltip."""
    style, cost, quality = STYLES[policy.policy], policy.cost, policy.quality
    x, y = scale.x(cost.mean), scale.y(quality.mean)
    yield _stroke(scale.x(cost.low), y, scale.x(cost.high), y, style.color)
    yield _stroke(x, scale.y(quality.low), x, scale.y(quality.high), style.color)
    yield (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{style.radius}" fill="{style.color}">'
        f"<title>{escape(_figures(policy))}</title></circle>"
    )
    yield _text(x + style.dx, y + style.dy, style.label, anchor=style.anchor, color=style.color)


def _figures(policy: PolicyFigures) -> str:
    return f"{policy.policy}: cost {ratio(policy.cost)}, quality {percent(policy.quality)}"


def _line(points: list[tuple[float, float]], scale: Scale) -> str:
    path = " ".join(f"{scale.x(cost):.1f},{scale.y(quality):.1f}" for cost, quality in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-dasharray="6 4">'
        "<title>random mixes of the tiers</title></polyline>"
    )


def _notes(report: Report) -> Iterable[str]:
    said = ["Bars: 95% intervals. Dashed: random mixes of the tiers, which need no router."]
    if report.gate is not None:
        gain = report.gate.gain
        said.append(
            f"Gate: {report.gate.verdict}; learned minus live prompt in quality − "
            f"{report.lambda_:g} · cost: {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})."
        )
    said.append(f"Simulated: {'; '.join(report.simulated) or 'nothing'}.")
    lines = [line for text in said for line in wrap(text, LINE_CHARACTERS)]
    for number, line in enumerate(lines):
        yield _text(LEFT, BOTTOM + 66 + 17 * number, line, size=12)


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", color: str = GRAY, size: int = 13
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" '
        f'font-size="{size}">{escape(text)}</text>'
    )


def _stroke(x1: float, y1: float, x2: float, y2: float, color: str, opacity: float = 1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        f'stroke-opacity="{opacity:g}"/>'
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make picture", description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=Path, default=Path(".local/learn"))
    parser.add_argument("--images", type=Path, default=Path("docs/images"))
    arguments = parser.parse_args()
    found = {name: arguments.reports / name / "report.json" for name in SETS}
    found = {name: file for name, file in found.items() if file.exists()}
    if not found:
        sys.exit(f"There is no report in {arguments.reports}. Run `make learn` first.")
    arguments.images.mkdir(parents=True, exist_ok=True)
    for name, file in found.items():
        image = arguments.images / f"{name}.svg"
        image.write_text(picture(from_json(file.read_text("utf-8")), SETS[name]), "utf-8")
        sys.stdout.write(f"{file} -> {image}\n")


if __name__ == "__main__":
    main()
