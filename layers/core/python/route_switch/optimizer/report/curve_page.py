"""The cost–quality curve as one self-contained HTML page."""

from collections.abc import Sequence

from route_switch.optimizer.report.curve_trace import with_curve
from route_switch.optimizer.report.figures import CurveFigures, Report
from route_switch.optimizer.report.frontier import frontier
from route_switch.optimizer.report.html_page import page
from route_switch.optimizer.report.page_figures import SHORT, TALL
from route_switch.optimizer.report.pictures.ranking import NARROW, WIDE
from route_switch.optimizer.report.profiles_section import profiles_table
from route_switch.optimizer.report.verdict import simulated


def curve_to_html(report: Report, curve: CurveFigures, answers: Sequence[str]) -> str:
    """Return the page. `answers` are sentences."""
    drawn = with_curve(frontier(report), curve)
    return page(
        "curve.html.j2",
        report=report,
        wide=drawn.draw(WIDE, TALL, "wide"),
        narrow=drawn.draw(NARROW, SHORT, "narrow"),
        table=profiles_table(curve),
        answers=answers,
        simulated=simulated(report),
    )
