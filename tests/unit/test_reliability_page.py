"""docs/reliability.md says what the suites measured, and what `make test` runs of them."""

import json
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.reliability.page import PAGE, SUITES, page
from tests.reliability.section import Aim, Section, none_of, read_section
from tests.support.checkout import ROOT

SECTION = Section("soak", "Title", "Promise.", "Method.", (), ())


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page()


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_is_a_module_whose_part_in_make_test_exists(suite: str) -> None:
    assert find_spec(f"tests.reliability.{suite}")
    named = re.findall(r"`(tests/\S+\.py)`", SUITES[suite])
    assert named
    assert all((ROOT / each).is_file() for each in named)


def test_an_aim_says_whether_the_figures_meet_it(monkeypatch: pytest.MonkeyPatch) -> None:
    aims = (none_of("lost requests", 0), none_of("requests counted twice", 2), Aim("x", "y", True))
    shown = replace(SECTION, aims=aims, measured="2026-11-30", commit="abc", seconds=1085.4)
    monkeypatch.setattr("tests.reliability.page.read_section", lambda _: shown)
    text = page()
    assert "- **Met**: no lost requests (0).\n- **Missed**: no requests counted twice (2)." in text
    assert "Measured 2026-11-30 at commit `abc` in 1,085 s." in text


def test_figures_of_an_earlier_version_have_neither_aims_nor_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.reliability.section.FIGURES", tmp_path)
    SECTION.write()
    file = tmp_path / "soak.json"
    new = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({n: new[n] for n in new if n not in ("aims", "seconds")}), "utf-8")
    assert read_section("soak") == SECTION
