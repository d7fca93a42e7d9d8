"""Print rows whose cells must stay whole: ids to copy, and money."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from route_switch.cli.terminal import console, say

GAP = 2
"""Spaces between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of whole cells. On a terminal that is too narrow for all columns, those of the
    highest `rank` are left out first; those of rank 0 are always shown."""

    title: str
    rank: int = 0
    right: bool = False


def print_rows(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, whole: bool = False
) -> None:
    """Print one line per row, and neither wrap nor cut a cell. To a pipe or a file, print all
    columns, separated by tabs. On a terminal that is too narrow, leave out columns, or, if `whole`,
    print each cell on a line of its own."""
    screen = console()
    if not screen.is_terminal:
        for row in ([column.title for column in columns], *rows):
            say("\t".join(" ".join(cell.split()) for cell in row))
        return
    widths = [
        max(cell_len(cell) for cell in (column.title, *cells))
        for column, *cells in zip(columns, *rows, strict=True)
    ]
    shown = _fitting(columns, widths, screen.width)
    if whole and len(shown) < len(columns):
        for row in rows:
            for column, cell in zip(columns, row, strict=True):
                say(f"{column.title}: {cell}")
            say("")
        return
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    for place in shown:
        column = columns[place]
        table.add_column(column.title, no_wrap=True, justify="right" if column.right else "left")
    for row in rows:
        table.add_row(*(escape(row[place]) for place in shown))
    # Rich cuts cells at the console's width, and cannot print beyond it.
    screen.width = max(screen.width, sum(widths[place] + GAP for place in shown))
    screen.print(table)
    if left_out := [each.title for place, each in enumerate(columns) if place not in shown]:
        names = ", ".join(left_out)
        say(f"Not shown at this width: {names}. Widen the terminal, or add --json.", err=True)


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """Return the positions of the columns that fit into `width`, and of all columns of rank 0."""
    shown = list(range(len(columns)))
    while sum(widths[place] + GAP for place in shown) - GAP > width:
        last = max(shown, key=lambda place: columns[place].rank)
        if columns[last].rank == 0:
            break
        shown.remove(last)
    return shown
