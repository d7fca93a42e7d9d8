"""Files, headings and commands that the documents refer to exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from route_switch.cli.main import app

DOCUMENTS = sorted([*Path().glob("*.md"), *Path("docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
CODE = re.compile(r"^```\w*\n(.*?)^```$|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(?:^|bin/|\$\()route-switch ([a-z][^|>\n)]*)", re.MULTILINE)


def anchors(file: Path) -> set[str]:
    """Derive anchors from headings as GitHub does."""
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_has_a_target(document: Path) -> None:
    for target, anchor in LINK.findall(document.read_text("utf-8")):
        file = document.parent / target if target else document
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), f"{target}#{anchor}"


def commands() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for block, span in CODE.findall(document.read_text("utf-8")):
            for found in COMMAND.findall(block or span):
                yield str(document), found.strip()


@pytest.mark.parametrize(("document", "written"), sorted(set(commands())))
def test_every_command_exists_with_its_options(document: str, written: str) -> None:
    words = re.split(r"\s+", written.rstrip(".,;:)"))
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and words:
        name = words.pop(0)
        assert name in command.commands, f"{document}: route-switch {written}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    given = {word.rstrip(",.;)'") for word in words if word.startswith("--")}
    assert given <= known, f"{document}: route-switch {written}"
