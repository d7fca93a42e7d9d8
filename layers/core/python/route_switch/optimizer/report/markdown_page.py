"""The Markdown report, for a terminal of 100 columns and for pull requests."""

import re
from collections.abc import Iterator

from route_switch.optimizer.report.advice import first_sentence, next_step
from route_switch.optimizer.report.baseline_sentences import compared_with_baselines
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.key_figures import key_figures
from route_switch.optimizer.report.remarks import remarks
from route_switch.optimizer.report.sections import Section, sections
from route_switch.optimizer.report.text_format import Cell, Folded, ReportTable, visible
from route_switch.optimizer.report.verdict import simulated, stopped_early, used_rows, verdict

LONGEST_CELL = 60

_SPECIAL = re.compile(r"([\\`*_\[\]<>|&~])")


def to_markdown(report: Report) -> str:
    """Return the report, verdict first. Text from users and models is escaped."""
    blocks = [*_opening(report)]
    for section in sections(report, compact=True):
        blocks += [f"## {section.title}", *_section(section)]
    return "\n\n".join(blocks) + "\n"


def _opening(report: Report) -> Iterator[str]:
    decision = verdict(report)
    yield f"# {decision.headline}"
    lead = first_sentence(report)
    yield f"**{_plain(lead or decision.sentence)}**"
    sentences = (
        decision.sentence if lead else None,
        next_step(report),
        stopped_early(report),
        *remarks(report),
        *compared_with_baselines(report),
        used_rows(report),
        simulated(report),
    )
    yield from (_plain(text) for text in sentences if text is not None)
    yield "\n".join(
        f"- **{figure.name}: {figure.value}** {figure.meaning}"
        + (f" ({figure.about})" if figure.about else "")
        for figure in key_figures(report)
    )


def _section(section: Section) -> Iterator[str]:
    yield from (_plain(paragraph) for paragraph in section.paragraphs)
    for table in section.tables:
        yield f"*{_plain(table.caption)}*"
        yield table_of(table)
    if section.diff:
        yield _fenced("\n".join(section.diff), "diff")
    if section.command is not None:
        yield _fenced(section.command, "")


def table_of(table: ReportTable) -> str:
    rule = [":---" if i < table.texts else "---:" for i in range(len(table.head))]
    rows = [[_cell(cell, strong=i in table.strong) for cell in r] for i, r in enumerate(table.rows)]
    return "\n".join(_row(cells) for cells in ([*map(_plain, table.head)], rule, *rows))


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, *, strong: bool) -> str:
    text = cell.summary if isinstance(cell, Folded) else cell
    text = " ".join(text.split())
    shown = text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1].rstrip()}…"
    return f"**{_plain(shown)}**" if strong else _plain(shown)


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", visible(text))


def _fenced(text: str, language: str) -> str:
    """Return a code block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text)}\n{fence}"
