"""Logs of a stack survive the next starts, and errors say where they are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.aws.errors import LocalStackError
from local.aws.logs import KEPT, keep_previous, see
from local.aws.signals import ended_plainly

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_start_moves_the_logs_of_the_stack_before(tmp_path: Path) -> None:
    (tmp_path / "router.log").write_text("crash")
    (tmp_path / "empty.log").touch()
    keep_previous(tmp_path, NOON)
    keep_previous(tmp_path, NOON + timedelta(minutes=1))
    [kept] = tmp_path.rglob("router.log")
    assert kept == tmp_path / "previous" / "2026-11-29T12-00-00" / "router.log"
    assert kept.read_text() == "crash"


def test_the_logs_of_the_last_starts_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        (tmp_path / "router.log").write_text(f"{number}")
        keep_previous(tmp_path, NOON + timedelta(minutes=number))
    texts = [file.read_text() for file in sorted(tmp_path.rglob("router.log"))]
    assert texts == [str(number) for number in range(2, KEPT + 2)]


def test_an_unexpected_error_exits_with_a_sentence_and_its_traceback_is_in_a_log(
    tmp_path: Path,
) -> None:
    with pytest.raises(SystemExit) as ended, ended_plainly(tmp_path):
        raise ValueError("odd")
    log = tmp_path / "logs" / "stack.log"
    assert ended.value.code == f"The local stack failed: ValueError: odd. {see(log)}"
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LocalStackError("why")])
def test_a_shutdown_and_an_explained_error_are_not_logged_as_crashes(
    error: BaseException, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit), ended_plainly(tmp_path):
        raise error
    assert [*tmp_path.rglob("*")] == []
