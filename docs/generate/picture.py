"""`make picture`: draw cost against quality from the reports of `make evaluate`, as SVG.

Usage: python -m docs.generate.picture [--reports FOLDER] [--images FOLDER]

The folder of reports holds `<set>/lambda-0.2/report.json`, as `make evaluate` leaves it. The same
report gives the same bytes, drawn as in the report's own page. Colors are mid tones, legible on
white and on black.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import wrap

from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import PolicyFigures, Report
from route_switch.optimizer.report.frontier import Curve, Frontier
from route_switch.optimizer.report.json_file import from_json
from route_switch.optimizer.report.pictures import svg

SETS = {"sample": "the packaged sample", "llmrouter-mix": "LLMRouter's thirteen tasks"}
"""The pictured sets, by the folder of their report; the first needs no further data."""

WIDTH, HEIGHT = 760.0, 500.0
AREA = svg.Box(70, 62, 730, 382)
LINE_CHARACTERS = 108
TIERS = ("tier-1", "tier-2", "tier-3")
SHOWN = (*TIERS, "hand-written", "oracle", CANDIDATE)
"""The policies of a picture that is looked at in passing. The report's own shows all."""


def picture(report: Report, title: str) -> str:
    """Return the SVG of a report that measured policies on held-out rows."""
    policies = [policy for policy in report.policies if policy.policy in SHOWN]
    hull = upper_hull(policy for policy in policies if policy.policy in TIERS)
    mixes = Curve(
        "random mixes of the tiers",
        tuple((policy.cost.mean, policy.quality.mean) for policy in hull),
        svg.BLUE,
        "6 4",
    )
    heading = f"Cost against quality on {title}: {report.rows.heldout:,} held-out queries"
    parts = [
        svg.text((AREA.left, 24), heading, size=16),
        *Frontier(policies, curves=(mixes,)).parts(AREA),
        *_notes(report),
    ]
    return svg.picture(WIDTH, HEIGHT, heading, parts) + "\n"


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
        yield svg.text((AREA.left, AREA.bottom + 58 + 17 * number), line, size=12)


def draw(reports: Mapping[str, Report], images: Path) -> list[Path]:
    """Draw the reports of the pictured sets, and return the images."""
    images.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, title in SETS.items():
        if name in reports:
            image = images / f"{name}.svg"
            image.write_text(picture(reports[name], title), "utf-8")
            drawn.append(image)
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(prog="make picture", description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=Path, default=Path(".local/evaluate"))
    parser.add_argument("--images", type=Path, default=Path("docs/images"))
    arguments = parser.parse_args()
    files = {name: arguments.reports / name / "lambda-0.2/report.json" for name in SETS}
    reports = {n: from_json(f.read_text("utf-8")) for n, f in files.items() if f.exists()}
    if not reports:
        sys.exit(f"There is no report in {arguments.reports}. Run `make evaluate` first.")
    for image in draw(reports, arguments.images):
        sys.stdout.write(f"{image}\n")


if __name__ == "__main__":
    main()
