"""A folder that looks like this repository, but whose stack and output are its own."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = {".git", ".local", "cdk.out"}
"""What a checkout of its own has, instead of a link."""


def linked_checkout(folder: Path) -> Path:
    for entry in ROOT.iterdir():
        if entry.name not in OWN:
            (folder / entry.name).symlink_to(entry)
    return folder
