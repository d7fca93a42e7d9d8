"""Tables of ids and money: nothing wraps and nothing is cut."""

import io
import sys

import pytest

from route_switch.cli import rows
from route_switch.cli.money_view import RESULT_COLUMNS, result_rows
from route_switch.cli.rows import Column, print_rows
from route_switch.cli.terminal import PlainConsole
from route_switch.domain.ports import JsonObject

ID = "chatcmpl-8f14e45fceea167a5a36dedd4bea2543"
RECORD: JsonObject = {
    "request_id": ID,
    "created_at": "2026-11-08T12:00:00.123Z",
    "tier": 1,
    "reason": "router",
    "model": "openai/gpt-4.1-nano",
    "status": "answered",
    "cost_usd": 0.000012345,
    "saved_usd": -0.000123,
    "baseline_estimated": True,
}
NAME = "a key [red] with a name that is much longer than the terminal is wide, for whatever reason"


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> io.StringIO:
    out = io.StringIO()
    screen = PlainConsole(file=out, width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(rows, "console", lambda: screen)
    return out


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_ids_and_money_stay_whole_at_any_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out = on_terminal(monkeypatch, width)
    print_rows(RESULT_COLUMNS, result_rows([RECORD, RECORD]))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    for line in lines[1:]:
        assert ID in line
        assert "$0.0000123" in line
        assert "~−$0.000123" in line
    assert max(map(len, lines)) <= max(width, 80)
    assert ("openai/gpt-4.1-nano" in lines[1]) == (width >= 120)


def test_columns_left_out_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_terminal(monkeypatch, 80)
    print_rows(RESULT_COLUMNS, result_rows([RECORD]))
    said = capsys.readouterr().err
    assert "Not shown at this width: created, reason, model." in said
    assert "add --json" in said


def test_rows_that_are_wanted_whole_have_a_line_for_each_cell_if_they_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = (Column("change"), Column("before", rank=2), Column("after", rank=1))
    rows_ = [["keys: set key_1", "tiers 1, 2, 3; 20 USD/month", "tiers 1; 5 USD/month"]] * 2
    out = on_terminal(monkeypatch, 40)
    print_rows(columns, rows_, whole=True)
    said = capsys.readouterr()
    assert said.out.count("before: tiers 1, 2, 3; 20 USD/month\n") == 2
    assert "Not shown" not in said.err
    on_terminal(monkeypatch, 200)
    print_rows(columns, rows_, whole=True)
    assert out.getvalue() == ""


def test_a_pipe_gets_every_column_separated_by_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stdout.isatty()
    print_rows(RESULT_COLUMNS, result_rows([RECORD]))
    head, row = capsys.readouterr().out.splitlines()
    assert head.split("\t") == [column.title for column in RESULT_COLUMNS]
    assert row.split("\t")[0] == ID
    assert row.split("\t")[5:] == ["$0.0000123", "~−$0.000123"]


def test_a_long_name_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    out = on_terminal(monkeypatch, 80)
    print_rows((Column("key"), Column("name")), [["key_1", NAME]])
    assert NAME in out.getvalue().splitlines()[1]


def test_an_empty_table_has_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    out = on_terminal(monkeypatch, 200)
    print_rows(RESULT_COLUMNS, [])
    assert out.getvalue().split() == [column.title for column in RESULT_COLUMNS]
