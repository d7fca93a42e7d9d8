"""SECURITY.md names a test for each promise, and each named test exists."""

import re
from pathlib import Path

import pytest

from tests.support.attacks.planted_requests import FIELDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
TABLE = PAGE.partition("## Which test holds which promise")[2]
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TABLE, re.MULTILINE)[1:]
WITHOUT_PROMISES = {"reporting", "not included", "which test holds which promise"}


def named(text: str) -> list[str]:
    """Return the tests that a text names: by their paths, or by their names after a path."""
    return re.findall(r"`((?:tests/[\w/]+/)?test_\w+\.py)`", text)


def exists(test: str) -> bool:
    return any((ROOT / "tests").rglob(test)) if "/" not in test else (ROOT / test).is_file()


@pytest.mark.parametrize("test", sorted(set(named(PAGE))))
def test_a_named_test_exists(test: str) -> None:
    assert exists(test)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_each_promise_of_the_table_names_a_test(row: tuple[str, str, str]) -> None:
    assert named(row[2])


def test_each_chapter_with_promises_is_in_the_table() -> None:
    chapters = {each.lower() for each in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)}
    covered = {row[0] for row in ROWS}
    missing = {
        chapter
        for chapter in chapters - WITHOUT_PROMISES
        if not any(chapter.startswith(each) for each in covered)
    }
    assert missing == set()
    assert len(ROWS) > 20


def test_the_page_says_in_how_many_places_texts_were_planted() -> None:
    assert f"{len(FIELDS)} places of requests of all four protocols" in " ".join(PAGE.split())
