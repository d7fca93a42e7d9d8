"""What the commands print cannot control a terminal."""

import ast
import io
import json
from pathlib import Path

import pytest
from rich.table import Table
from typer.testing import CliRunner

from route_switch.cli import terminal
from route_switch.cli.main import app
from route_switch.cli.terminal import PlainConsole, json_text, say, say_document

CLI = Path(terminal.__file__).parent
HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\u202eabc\ud83d"
CONTROLS = set("\x1b\x07\x9b\u202e\ud83d")


def test_a_query_with_escape_codes_does_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    file = tmp_path / "queries.jsonl"
    file.write_text(json.dumps({"id": HOSTILE, "query": HOSTILE}) + "\n")
    for options in ([], ["--json"]):
        result = CliRunner().invoke(app, ["route", "--queries", str(file), *options])
        assert result.exit_code == 0, result.output
        assert not set(result.output) & CONTROLS


def test_a_table_shows_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name")
    table.add_row(HOSTILE)
    out = io.StringIO()
    PlainConsole(file=out, force_terminal=True, width=120).print(table)
    assert "⟨U+001B⟩]0;title" in out.getvalue()
    assert "\x1b]" not in out.getvalue()
    assert "\x1b[1m" in out.getvalue(), "rich's own styles stay"
    say(HOSTILE)
    assert not set(capsys.readouterr().out) & CONTROLS


def test_json_has_the_same_text_without_control_characters() -> None:
    assert not set(json_text({"text": HOSTILE})) & CONTROLS
    assert json.loads(json_text({"text": HOSTILE})) == {"text": HOSTILE}


def test_a_document_that_is_written_to_a_file_stays_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say_document("a\x1b[31m\n")
    assert capsys.readouterr().out == "a\x1b[31m\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    say_document("a\x1b[31m\n")
    assert capsys.readouterr().out == "a⟨U+001B⟩[31m\n"


def test_every_command_prints_through_the_terminal_module() -> None:
    """`say`, `console`, `say_json` or `say_document` print; typer.echo and rich's Console would
    print control characters as they are."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in CLI.glob("*.py")
        if path.name != "terminal.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"typer.echo", "Console"}
    ]
    assert found == []
