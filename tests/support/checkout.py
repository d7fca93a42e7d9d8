"""A folder that looks like this repository but has its own stack and output."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = {".git", ".local", "cdk.out"}
"""What a checkout has for itself instead of as a link."""
INSTALLED = {".venv", ".build"}


def linked_checkout(folder: Path) -> Path:
    for entry in ROOT.iterdir():
        if entry.name not in OWN:
            (folder / entry.name).symlink_to(entry)
    return folder


def copied_checkout(folder: Path) -> Path:
    """A checkout whose files may be changed. What `make install` installed is linked."""
    leave_out = shutil.ignore_patterns(*OWN, *INSTALLED, "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, folder, ignore=leave_out, dirs_exist_ok=True)
    for name in INSTALLED:
        (folder / name).symlink_to(ROOT / name)
    return folder
