"""Links, headings and commands in documents exist, and the index lists every page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from local.demos.follow import STATES
from route_switch.cli.main import app
from route_switch.domain.learning.example import Example

DOCUMENTS = sorted([*Path().glob("*.md"), *Path("docs").rglob("*.md")])
ROOTS = (Path(), Path("layers/core/python"), Path("layers/core/python/route_switch"))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
CODE = re.compile(r"^```\w*\n(.*?)^```$|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(?:^|bin/|\$\()route-switch ([a-z][^|>\n)]*)", re.MULTILINE)


def anchors(file: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_no_document_has_a_merge_conflict(document: Path) -> None:
    assert re.findall(r"^[<=>]{7}( .*)?$", document.read_text("utf-8"), re.MULTILINE) == []


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_python_file_that_is_named_exists(document: Path) -> None:
    """Relative to the repository or to the package. CONTRIBUTING.md's new files are in blocks."""
    named = re.findall(r"`([\w./]+/\w+\.py)`", document.read_text("utf-8"))
    assert [name for name in named if not any((r / name).is_file() for r in ROOTS)] == []


def test_the_index_links_every_page() -> None:
    index = Path("docs/README.md")
    linked = {
        (index.parent / target).resolve() for target, _ in LINK.findall(index.read_text("utf-8"))
    }
    pages = {page.resolve() for page in DOCUMENTS if page.parent != Path()} - {index.resolve()}
    assert pages - linked == set()


def test_the_week_that_is_shown_describes_its_states_as_the_demonstration_does() -> None:
    page = Path("docs/weekly.md").read_text("utf-8")
    shown = dict(re.findall(r"^ +\d+\.\d s  (\w+) +(.+)$", page, re.MULTILINE))
    assert len(shown) > 5
    assert shown == {state: STATES[state] for state in shown}


def test_the_log_that_the_readme_shows_is_a_log_of_examples() -> None:
    [block] = re.findall(
        r"^```json\n(.*?)^```$", Path("README.md").read_text("utf-8"), re.DOTALL | re.M
    )
    examples = [Example.model_validate_json(line) for line in block.splitlines()]
    assert len(examples) == 3


def test_the_readme_has_at_most_120_lines() -> None:
    assert len(Path("README.md").read_text("utf-8").splitlines()) <= 120


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
