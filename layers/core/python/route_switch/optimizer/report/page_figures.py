"""The pictures of the HTML report, each drawn for a wide and for a narrow screen."""

from dataclasses import dataclass

from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.curve_trace import CAPTION, with_curve
from route_switch.optimizer.report.figures import Report, WorkloadFigures
from route_switch.optimizer.report.frontier import frontier
from route_switch.optimizer.report.pictures.ranking import NARROW, WIDE, Ranking
from route_switch.optimizer.report.verdict import find, objective

TALL, SHORT = 480.0, 400.0


@dataclass(frozen=True, slots=True)
class Figure:
    """`wide` and `narrow` are SVG. A page shows one of them, by the width of its screen."""

    wide: str
    narrow: str
    caption: str
    title: str | None = None


def opening_figures(report: Report) -> tuple[Figure, ...]:
    """Return what a hurried reader looks at after the verdict."""
    if not report.policies:
        return ()
    n = report.policies[0].objective.n
    caption = (
        f"Objective ({objective(report)}) on {n:,} held-out rows, with 95% intervals. An asterisk "
        "marks a policy that the learned one clearly differs from, row by row."
    )
    return (_ranked(Ranking(report.policies, report.against), caption),)


def section_figures(report: Report) -> dict[str, tuple[Figure, ...]]:
    """Return the pictures by the anchor of their section."""
    found: dict[str, tuple[Figure, ...]] = {}
    if report.policies:
        found["cost-and-quality"] = (_cost_and_quality(report),)
    if report.workloads:
        found["by-workload"] = tuple(map(_workload, report.workloads))
    return found


def _cost_and_quality(report: Report) -> Figure:
    drawn = with_curve(frontier(report), report.curve)
    curve = "" if report.curve is None else CAPTION
    line = (
        "Policies above the dashed line have a better objective than the learned one (the star). "
        if find(report.policies, CANDIDATE) is not None
        else ""
    )
    caption = (
        f"Better is up and to the left. {line}{curve}Filled marks are policies on the held-out "
        "rows, with 95% intervals; the triangle is the upper bound. Open circles are the prompts "
        "tried, on the validation rows; the larger one was selected. Pointing at a mark shows its "
        "figures."
    )
    return Figure(drawn.draw(WIDE, TALL, "wide"), drawn.draw(NARROW, SHORT, "narrow"), caption)


def _workload(figures: WorkloadFigures) -> Figure:
    n = figures.policies[0].objective.n if figures.policies else 0
    caption = f"{n:,} held-out rows" + (f": {figures.note}" if figures.note else "")
    return _ranked(Ranking(figures.policies, {}), caption, figures.workload)


def _ranked(ranking: Ranking, caption: str, title: str | None = None) -> Figure:
    return Figure(ranking.draw(WIDE, "wide"), ranking.draw(NARROW, "narrow"), caption, title)
