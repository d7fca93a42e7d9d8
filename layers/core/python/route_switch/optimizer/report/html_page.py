"""The HTML report: one self-contained file, readable for a manager."""

from pathlib import Path

from route_switch.optimizer.report.advice import first_sentence, next_step
from route_switch.optimizer.report.baseline_sentences import compared_with_baselines
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.key_figures import key_figures
from route_switch.optimizer.report.page_figures import opening_figures, section_figures
from route_switch.optimizer.report.remarks import remarks
from route_switch.optimizer.report.sections import sections
from route_switch.optimizer.report.self_contained import self_contained
from route_switch.optimizer.report.verdict import simulated, stopped_early, used_rows, verdict

FOLDER = Path(__file__).parent
LONGEST_TABLE = 12
"""A table with more rows is folded: pictures and sentences say what it shows."""


def to_html(report: Report) -> str:
    """Return the page. The same report gives the same bytes.

    All text from users and models is escaped. If an escape were missing, the page's content policy
    would still allow no request, no script, and no style except the page's own.
    """
    return page(
        "report.html.j2",
        report=report,
        verdict=verdict(report),
        first_sentence=first_sentence(report),
        next_step=next_step(report),
        used_rows=used_rows(report),
        comparison=(*remarks(report), *compared_with_baselines(report)),
        stopped_early=stopped_early(report),
        simulated=simulated(report),
        key_figures=key_figures(report),
        opening=opening_figures(report),
        figures=section_figures(report),
        longest_table=LONGEST_TABLE,
        sections=tuple(sections(report, compact=False)),
    )


def page(template: str, **values: object) -> str:
    """Render a template of this folder with the style of reports."""
    return self_contained(FOLDER / template, (FOLDER / "report.css").read_text("utf-8"), **values)
