"""The HTML report: self-contained, escaped, deterministic and accessible."""

import base64
import hashlib
import re

import pytest

from route_switch.domain.tiers import Tier
from route_switch.optimizer.report.figures import Moved, Report
from route_switch.optimizer.report.frontier import frontier
from route_switch.optimizer.report.html_page import to_html
from tests.support.html_page import Page
from tests.support.report import better, finished, policy, stopped, undecided

HOSTILE = "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(to_html(finished()))


def hostile() -> Report:
    report = finished()
    odd = report.policies[0].model_copy(update={"policy": HOSTILE})
    tried = report.candidates[0].model_copy(update={"instruction": HOSTILE, "rejected": HOSTILE})
    moved = Moved(
        example="1", query=HOSTILE, before=Tier.SMALL, after=Tier.LARGE, best=Tier.LARGE, gain=0.1
    )
    return finished(
        command=HOSTILE,
        router_model=HOSTILE,
        simulated=(HOSTILE,),
        policies=(*report.policies, odd),
        candidates=(tried, *report.candidates[1:]),
        candidate_prompt=f"{report.candidate_prompt}{HOSTILE}\n",
        moved=(moved,),
        rejected={HOSTILE: 1},
        gate=better(needs_approval=HOSTILE),
    )


def test_the_page_loads_nothing(page: Page) -> None:
    for _, attributes in page.tags:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    style = to_html(stopped()).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_the_content_policy_allows_nothing_but_the_pages_own_style(page: Page) -> None:
    [style] = page.styles
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert page.policy == (
        f"default-src 'none'; script-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert page.named("script") == []
    for tag, attributes in page.tags:
        assert "style" not in attributes, tag
        assert not any(name.startswith("on") for name in attributes), tag
    assert page.named("meta")[0] == {"charset": "utf-8"}


def test_a_page_with_many_rows_stays_far_below_two_megabytes() -> None:
    report = finished()
    odd = [policy("knn").model_copy(update={"policy": f"baseline {n}"}) for n in range(30)]
    assert len(to_html(finished(policies=(*report.policies, *odd)))) < 500_000


def test_text_from_users_and_models_is_shown_and_never_executed() -> None:
    hostile_page = Page(to_html(hostile()))
    assert hostile_page.named("img") == [] and hostile_page.named("script") == []
    assert hostile_page.text.count(HOSTILE) >= 7


def test_characters_that_hide_or_reorder_text_are_made_visible() -> None:
    report = finished(candidate_prompt="- be\u202e evil\u200b\x1b[2J\n")
    text = Page(to_html(report)).text
    assert "⟨U+202E⟩" in text and "⟨U+200B⟩" in text and "⟨U+001B⟩[2J" in text
    assert "\u202e" not in text and "\x1b" not in text


def test_the_same_report_gives_the_same_bytes() -> None:
    assert to_html(finished()) == to_html(finished())


def test_each_screen_sees_one_picture_of_every_policy_and_every_scored_prompt(page: Page) -> None:
    report = finished()
    names = [policy.policy for policy in report.policies]
    for width in ("wide", "narrow"):
        ranking, plot, *workloads = page.pictures(width)
        assert sorted(tip.partition(":")[0] for tip in ranking) == sorted(names)
        assert all("objective" in tip and "n = 412" in tip for tip in ranking)
        measured = [tip for tip in plot if re.match(r"[a-z0-9-]+: cost", tip)]
        assert sorted(tip.partition(":")[0] for tip in measured) == sorted(names)
        assert all("(" in tip for tip in measured if not tip.startswith("tier-3"))
        tried = [tip for tip in plot if "(validation rows)" in tip]
        assert len(tried) == sum(c.objective is not None for c in report.candidates)
        assert sum("selected" in tip for tip in tried) == 1
        assert len(workloads) == len(report.workloads)


def test_dominated_policies_are_not_on_the_frontier_line() -> None:
    line = frontier(finished()).curves[0]
    assert line.name == "frontier of the policies"
    assert [cost for cost, _ in line.points] == [0.07, 0.38, 0.45, 1.0]


def test_a_long_table_is_behind_a_disclosure_that_names_it(page: Page) -> None:
    folded = {attributes.get("class") for attributes in page.named("details")}
    assert "folded" in folded
    assert "Queries whose tier changes, largest effect first (50 of 64): 50 rows" in page.text
    assert (
        "Policies on the held-out rows of each workload, with 95% intervals: 30 rows" in page.text
    )


def test_headings_tables_and_language_are_marked_up(page: Page) -> None:
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("h1")) == 1
    assert len(page.named("caption")) == len(page.named("table"))
    assert {attributes.get("scope") for attributes in page.named("th")} == {"col", "row"}
    anchors = {f"#{attributes['id']}" for attributes in page.named("h2")}
    assert {attributes["href"] for attributes in page.named("a")} == anchors


def test_changed_lines_of_the_prompt_have_a_sign_and_not_only_a_color(page: Page) -> None:
    assert len(page.named("ins")) == 3 and len(page.named("del")) == 2
    assert "+ - a question about business" in page.text


@pytest.mark.parametrize("report", [stopped(), undecided()], ids=["stopped", "undecided"])
def test_a_run_that_lacks_figures_still_gives_a_page(report: Report) -> None:
    assert "not measured" in Page(to_html(report)).text


def test_a_run_without_policies_has_no_plot() -> None:
    page = Page(to_html(stopped()))
    assert page.named("svg") == []
