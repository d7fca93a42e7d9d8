"""The pictures of cost against quality: reproducible, labeled, and in line with docs/results.md."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.generate.picture import SETS, SHOWN, picture
from route_switch.optimizer.report.json_file import from_json, to_json
from tests.support.report import finished

CHAPTERS = {"sample": "The packaged sample", "llmrouter-mix": "LLMRouter's thirteen tasks"}


def titles(svg: str) -> list[str]:
    return re.findall(r"<title>([a-z0-9-]+: [^<]+)</title>", svg)


def test_the_same_report_gives_the_same_bytes() -> None:
    report = finished()
    assert picture(from_json(to_json(report)), "x") == picture(from_json(to_json(report)), "x")


def test_every_measured_policy_is_drawn_and_every_simulated_part_is_named() -> None:
    report = finished(simulated=("the <tier> models",))
    svg = picture(report, "a & b")
    ElementTree.fromstring(svg)  # noqa: S314 (made here)
    measured = {policy.policy for policy in report.policies} & set(SHOWN)
    assert {title.partition(":")[0] for title in titles(svg)} == measured
    assert "Simulated: the &lt;tier&gt; models." in svg
    assert "held-out queries" in svg
    assert "a &amp; b" in svg


def test_a_report_without_simulated_parts_says_so() -> None:
    assert "Simulated: nothing." in picture(finished(simulated=()), "x")


@pytest.mark.parametrize("name", SETS)
def test_a_picture_shows_the_figures_of_the_results_page(name: str) -> None:
    """`make evaluate` writes both, from the same report."""
    svg = Path(f"docs/images/{name}.svg").read_text("utf-8")
    results = Path("docs/results.md").read_text("utf-8")
    [chapter] = [c for c in results.split("\n## ") if c.startswith(CHAPTERS[name])]
    rows = [[cell.strip("* ") for cell in line.split("|")] for line in chapter.splitlines()]
    figures = {row[1]: (row[2], row[3]) for row in rows if len(row) > 7}
    found = titles(svg)
    assert len(found) == len(SHOWN)
    for title in found:
        policy, cost, quality = re.split(r": cost |, quality ", title)
        assert figures[policy][0].startswith(cost)  # rounding may leave no interval to print
        assert figures[policy][1] == quality
    [n] = {row[7] for row in rows if len(row) > 7 and row[1] in SHOWN}
    assert f"{n} held-out queries" in svg
