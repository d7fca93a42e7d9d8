"""Folders in .build/ that are named for their inputs and built once."""

import tempfile
from collections.abc import Callable
from pathlib import Path


def built_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return `folder`. If it does not exist, `build` fills a temporary folder that then becomes it,
    so that it is never half built."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        target = Path(scratch, "built")
        build(target)
        try:
            target.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process built the same content first
                raise
    return folder
