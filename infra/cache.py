"""Folders in .build/ that are named for their inputs and built once."""

import fcntl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def built_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return `folder`. If it does not exist, `build` fills a temporary folder that then becomes it,
    so that it is never half built; another process that needs it waits."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder), tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        if not folder.is_dir():
            target = Path(scratch, "built")
            build(target)
            target.rename(folder)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder's name, which ends with the process at the latest."""
    locks = folder.parent.with_name("locks")
    locks.mkdir(exist_ok=True)
    with (locks / folder.name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
