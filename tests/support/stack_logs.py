"""Logs of local stacks during a test, shown if it fails."""

from collections.abc import Iterator
from pathlib import Path

LINES = 40


def recent_logs(folder: Path, since: float) -> Iterator[tuple[str, str]]:
    """Return name and end of each stack's logs below the folder that changed after that time."""
    for problems in folder.rglob("problems.log"):
        for log in (problems, *sorted((problems.parent / "logs").glob("*.log"))):
            status = log.stat()
            if status.st_size > 0 and status.st_mtime >= since:
                lines = log.read_text(errors="replace").splitlines()
                yield str(log.relative_to(folder)), "\n".join(lines[-LINES:])
