"""The file of paid answers: what a killed process leaves, and who may use it."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.learning.file_memo import MemoFile
from route_switch.domain.errors import StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "answers.jsonl"


def keep(path: Path, **entries: str) -> None:
    memo = MemoFile(path)
    for key, text in entries.items():
        memo.put(key, {"text": text, "cost_usd": 0.5})
    memo.close()


def kept(path: Path) -> dict[str, str]:
    memo = MemoFile(path)
    found = dict(memo._entries)
    assert list(memo.items()) == list(found.items())
    memo.close()
    return {key: str(entry["text"]) for key, entry in found.items()}


def test_entries_survive_the_process_in_order(path: Path) -> None:
    keep(path, b="one", a="two\nlines")
    keep(path, c="three")
    assert list(kept(path).items()) == [("b", "one"), ("a", "two\nlines"), ("c", "three")]


def test_an_entry_is_in_the_file_before_put_returns(path: Path) -> None:
    memo = MemoFile(path)
    memo.put("a", {"text": "one"})
    assert path.read_bytes() == b'{"key": "a", "text": "one"}\n'
    assert memo.get("a") == {"text": "one"}
    assert memo.get("b") is None
    memo.close()


def test_a_refusal_is_asked_for_again_by_the_next_process(path: Path) -> None:
    memo = MemoFile(path)
    memo.put("a", {"refused": "no such parameter", "cost_usd": 0.0})
    assert memo.get("a") is not None, "this process does not ask twice"
    memo.close()
    assert kept(path) == {}
    keep(path, a="answered")
    assert kept(path) == {"a": "answered"}


@given(cut=st.integers(1, 60))
def test_a_torn_last_line_is_cut_and_the_next_entry_is_whole(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("memo") / "answers.jsonl"
    keep(path, a="one", b="two, somewhat longer, with an é and a 👋")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    keep(path, c="three")
    assert kept(path) == {"a": "one", "c": "three"}
    assert b"two" not in path.read_bytes()


@given(text=st.text(st.characters(), max_size=20))
def test_any_text_survives_even_with_lone_surrogates(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("memo") / "answers.jsonl"
    keep(path, a=text + "\ud83d")
    assert kept(path) == {"a": text + "\ud83d"}


OPEN = """
import sys
from pathlib import Path
from route_switch.adapters.learning.file_memo import MemoFile
from route_switch.domain.errors import StoreError
try:
    MemoFile(Path(sys.argv[1]))
except StoreError as error:
    print(error)
"""


def test_two_processes_cannot_share_a_folder(path: Path) -> None:
    def opened_elsewhere() -> str:
        command = [sys.executable, "-c", OPEN, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    memo = MemoFile(path)
    assert "another run uses this folder" in opened_elsewhere()
    memo.close()
    assert opened_elsewhere() == ""


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        MemoFile(tmp_path / "file" / "answers.jsonl")


@pytest.mark.parametrize("line", ["no json", '{"no": "key"}', "\x80"])
def test_a_file_with_other_content_is_reported_and_left_unchanged(path: Path, line: str) -> None:
    path.parent.mkdir()
    path.write_bytes(f"{line}\n".encode("latin-1"))
    with pytest.raises(StoreError, match="cannot be opened"):
        MemoFile(path)
    assert path.read_bytes() == f"{line}\n".encode("latin-1")


def test_a_full_disk_is_reported_once(tmp_path: Path) -> None:
    memo = MemoFile(tmp_path / "answers.jsonl")
    memo._file.close()
    memo._file = Path("/dev/full").open("wb")  # noqa: SIM115 (the memo closes it)
    with pytest.raises(StoreError, match="cannot be written"):
        memo.put("a", {"text": "x" * 10})
    memo.close()
    assert memo.get("a") is None
