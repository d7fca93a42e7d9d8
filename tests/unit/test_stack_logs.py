"""A failed test shows what its local stacks logged meanwhile."""

import os
from pathlib import Path

from tests.support.stack_logs import LINES, recent_logs


def test_the_ends_of_changed_logs_are_shown(tmp_path: Path) -> None:
    logs = tmp_path / "state" / "logs"
    logs.mkdir(parents=True)
    (logs.parent / "problems.log").write_text("POST /v1: the function failed\n")
    (logs / "router.log").write_text("".join(f"line {number}\n" for number in range(LINES + 1)))
    (logs / "earlier.log").write_text("before the test\n")
    os.utime(logs / "earlier.log", (1, 1))
    (logs / "empty.log").touch()
    shown = dict(recent_logs(tmp_path, since=2))
    assert shown["state/problems.log"] == "POST /v1: the function failed"
    assert shown["state/logs/router.log"].splitlines()[0] == "line 1"
    assert set(shown) == {"state/problems.log", "state/logs/router.log"}
