"""Print tables and documents on a terminal without cutting words or figures."""

from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown, MarkdownElement, TableElement
from rich.measure import Measurement
from rich.table import Column, Table

from route_switch.cli.terminal import console

ANY_WIDTH = 10_000


def print_table(table: Table) -> None:
    """Print a table in the terminal's width, or wider if its words need that."""
    screen = console()
    screen.width = max(screen.width, fit(table, screen, screen.width))
    screen.print(table)


def print_markdown(text: str) -> None:
    """Print a document. Only tables may be wider than the terminal."""
    console().print(_WholeTables(text), crop=False)


def fit(table: Table, screen: Console, width: int) -> int:
    """Give each column room for its longest word, and divide the rest of `width`. Return the width
    of the table."""
    unlimited = screen.options.update(max_width=ANY_WIDTH)
    if Measurement.get(screen, unlimited, table).maximum <= width:
        return width
    sizes = [_sizes(column, screen, unlimited) for column in table.columns]
    widths = [least for least, _ in sizes]
    between = Measurement.get(screen, unlimited, table).minimum - sum(widths)
    left = width - between - sum(widths)
    for _ in range(left):
        narrow = [n for n, (_, most) in enumerate(sizes) if widths[n] < most]
        if not narrow:
            break
        widths[min(narrow, key=lambda n: widths[n])] += 1
    for column, size in zip(table.columns, widths, strict=True):
        column.width = size
    return max(width, between + sum(widths))


def _sizes(column: Column, screen: Console, options: ConsoleOptions) -> tuple[int, int]:
    """Return the lengths of the longest word and of the longest line."""
    cells = [Measurement.get(screen, options, cell) for cell in (column.header, *column.cells)]
    most = max(cell.maximum for cell in cells)
    return (most if column.no_wrap else max(cell.minimum for cell in cells)), most


class _WholeTable(TableElement):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            assert isinstance(table, Table)  # noqa: S101 (for the type checker)
            width = fit(table, console, options.max_width)
            yield from console.render(table, options.update(max_width=width))


class _WholeTables(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "table_open": _WholeTable,
    }
