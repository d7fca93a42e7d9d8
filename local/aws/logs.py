"""Keep the logs of earlier stacks, and say where logs are."""

import shutil
from datetime import datetime
from pathlib import Path

PREVIOUS = "previous"
"""Folder in `logs/` with a folder for each earlier stack, named by the time of the next start."""
KEPT = 5


def keep_previous(logs: Path, now: datetime) -> None:
    """Move the logs of the stack that ran before, and delete those of the oldest stacks."""
    found = [file for file in logs.glob("*.log") if file.stat().st_size > 0]
    if not found:
        return
    target = logs / PREVIOUS / f"{now:%Y-%m-%dT%H-%M-%S}"
    target.mkdir(parents=True, exist_ok=True)
    for file in found:
        file.rename(target / file.name)
    for oldest in sorted((logs / PREVIOUS).iterdir())[:-KEPT]:
        shutil.rmtree(oldest)


def see(log: Path) -> str:
    """Return a sentence that says where to read more, now and after the next start."""
    return f"See {log}; the next start moves it to {log.parent / PREVIOUS}/."


def see_all(logs: Path) -> str:
    return f"The logs are in {logs}/; the next start moves them to {logs / PREVIOUS}/."
