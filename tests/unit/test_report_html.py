"""The HTML report: self-contained, escaped, deterministic and accessible."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from route_switch.domain.tiers import Tier
from route_switch.optimizer.report.figures import Moved, Report
from route_switch.optimizer.report.html_page import to_html
from tests.support.report import better, finished, stopped, undecided

VOID = {"meta", "br", "img", "link", "input", "hr"}
HOSTILE = "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"


class Page(HTMLParser):
    """Parses a page. Raises `AssertionError` if a tag is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif self._open and self._open[-1] != "style":
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def policy(self) -> str:
        metas = self.named("meta")
        return next(
            m["content"] or "" for m in metas if m.get("http-equiv") == "Content-Security-Policy"
        )


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


def test_the_content_policy_forbids_the_network_and_allows_only_the_pages_scripts(
    page: Page,
) -> None:
    assert page.policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src" not in page.policy and "http" not in page.policy
    for script in page.scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy
    assert len(page.scripts) == 2
    assert page.named("meta")[0] == {"charset": "utf-8"}


def test_text_from_users_and_models_is_shown_and_never_executed() -> None:
    hostile_page = Page(to_html(hostile()))
    assert hostile_page.named("img") == []
    assert len(hostile_page.scripts) == 2
    assert "<" not in hostile_page.scripts[1]
    assert hostile_page.text.count(HOSTILE) >= 7


def test_characters_that_hide_or_reorder_text_are_made_visible() -> None:
    report = finished(candidate_prompt="- be\u202e evil\u200b\x1b[2J\n")
    text = Page(to_html(report)).text
    assert "⟨U+202E⟩" in text and "⟨U+200B⟩" in text and "⟨U+001B⟩[2J" in text
    assert "\u202e" not in text and "\x1b" not in text


def test_the_same_report_gives_the_same_bytes() -> None:
    assert to_html(finished()) == to_html(finished())


def test_no_button_of_the_plot_sends_data_to_a_cloud(page: Page) -> None:
    drawing = page.scripts[1]
    assert '"plotlyServerURL": ""' in drawing
    assert "sendChartToCloud" not in drawing and "modeBarButtons" in drawing


def test_the_plot_shows_every_policy_with_its_interval_and_every_scored_prompt(
    page: Page,
) -> None:
    report = finished()
    found = re.fullmatch(r'Plotly\.newPlot\("frontier", \.\.\.(.*)\);', page.scripts[1], re.S)
    assert found
    traces, layout, _ = json.loads(found[1])
    measured = [trace for trace in traces if "error_x" in trace]
    named = {text.split("</b>")[0][3:] for trace in measured for text in trace["hovertext"]}
    assert named == {policy.policy for policy in report.policies}
    tried = next(trace for trace in traces if trace["name"] == "prompts tried (validation rows)")
    assert len(tried["x"]) == sum(c.objective is not None for c in report.candidates)
    assert all("validation rows" in text for text in tried["hovertext"])
    assert tried["marker"]["symbol"].count("diamond-open") == 1
    assert layout["paper_bgcolor"] == "rgba(0,0,0,0)"


def test_dominated_policies_are_not_on_the_frontier_line(page: Page) -> None:
    traces = json.loads(page.scripts[1].partition("...")[2][:-2])[0]
    line = next(trace for trace in traces if trace["name"] == "frontier of the policies")
    assert line["x"] == [0.07, 0.38, 0.45, 1.0]


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
    assert page.scripts == []
    assert "script-src 'none'" in page.policy
