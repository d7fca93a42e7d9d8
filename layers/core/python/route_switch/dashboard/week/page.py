"""The weekly report as one self-contained HTML file."""

from pathlib import Path

from route_switch.dashboard.week.context import AboutReport, about_prompt, days_in_words, opening
from route_switch.dashboard.week.figures import figures_of
from route_switch.dashboard.week.picture import NARROW, WIDE, spent_by_day
from route_switch.dashboard.week.tables import tables_of
from route_switch.optimizer.report.self_contained import self_contained
from route_switch.services.operations.advise_week import next_steps
from route_switch.services.operations.show_week import WeekReport

FOLDER = Path(__file__).parent
LONGEST_TABLE = 31


def to_html(report: WeekReport, context: AboutReport) -> str:
    """Return the page. The same report gives the same bytes."""
    pictures = [
        spent_by_day(report.days, WIDE, "wide"),
        spent_by_day(report.days, NARROW, "narrow"),
    ]
    style = "".join((FOLDER / name).read_text("utf-8") for name in ("tokens.css", "week.css"))
    return self_contained(
        FOLDER / "week.html.j2",
        style,
        context=context,
        title=days_in_words(report.figures.first, report.figures.last),
        sentences=tuple(opening(report, context)),
        steps=next_steps(report, context.stage),
        figures=figures_of(report),
        pictures=tuple(each for each in pictures if each is not None),
        tables=tuple(tables_of(report)),
        about_prompt=about_prompt(report),
        longest_table=LONGEST_TABLE,
    )
