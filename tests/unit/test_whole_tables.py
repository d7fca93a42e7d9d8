"""Tables on a narrow terminal keep every word and figure."""

import pytest
from rich.table import Table

from route_switch.cli.whole_tables import print_markdown, print_table

FIGURES = ("hand-written", "0.46 (0.41–0.51)", "80.5% (75.1–86.0)", "0.714 (0.69–0.74)", "24/36/41")
TITLES = ("policy", "cost", "quality", "objective", "mix")


def as_table() -> Table:
    table = Table(*TITLES)
    table.add_row(*FIGURES)
    table.add_row("the learned policy", *FIGURES[1:])
    return table


def as_markdown() -> str:
    rows = (TITLES, ("---",) * len(TITLES), FIGURES, ("the learned policy", *FIGURES[1:]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


@pytest.mark.parametrize("width", [200, 80, 60, 40, 20])
@pytest.mark.parametrize("form", ["table", "document"])
def test_no_word_of_a_table_is_cut_at_any_width(
    form: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    if form == "table":
        print_table(as_table())
    else:
        print_markdown(as_markdown())
    shown = capsys.readouterr().out
    assert "…" not in shown
    for word in " ".join((*TITLES, *FIGURES)).split():
        assert word in shown
    if width >= 80:
        assert max(map(len, shown.splitlines())) <= width


def test_prose_keeps_the_width_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_markdown("A sentence of many words. " * 9)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 40
