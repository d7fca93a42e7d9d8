"""What the command line refuses: with which message, and with status 2 where an option is wrong."""

import codecs
import json
import sys
from pathlib import Path

import pytest

from route_switch.adapters.learning.example_file import read_example_file
from route_switch.cli.files import read_text
from route_switch.cli.main import run
from route_switch.domain.errors import RouteSwitchError

SIZE = ("--input-tokens", "500", "--output-tokens", "300")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["keys", "create", "x", "--tiers", "4"], "--tiers is '4'"),
        (["keys", "create", "x", "--monthly-budget-usd", "-1"], "--monthly-budget-usd is -1.0"),
        (["estimate", "--requests", "-5", *SIZE], "--requests is -5"),
        (["estimate", "--requests", "5", *SIZE, "--mix", "60,30"], "--mix is 60,30"),
        (["explain", ""], "The query is empty"),
        (["explain"], "Give either a QUERY or --messages FILE"),
        (["results"], "Which stage?"),
        (["explain", " \n"], "The query is empty"),
    ],
)
def test_a_wrong_option_exits_with_2(
    command: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["route-switch", *command])
    with pytest.raises(SystemExit) as exit_:
        run()
    assert exit_.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32", b""),
    ],
)
def test_a_file_in_another_encoding_is_refused_with_its_name(
    encoding: str, mark: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(mark + json.dumps({"query": "Why?"}).encode(encoding))
    name = encoding[:6].upper()
    with pytest.raises(RouteSwitchError, match=f"is encoded in {name}, but must be in UTF-8"):
        read_example_file(path)
    with pytest.raises(RouteSwitchError, match=f"The prompt .* is encoded in {name}"):
        read_text(path, "prompt")


def test_a_byte_order_mark_of_utf_8_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps({"query": "Why?"}), "utf-8-sig")
    assert len(read_example_file(path).examples) == 1
