"""The weekly report: the page, the text and the JSON of one week, and of the first day."""

import base64
import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.cli.report_view import print_report, report_body
from route_switch.dashboard.prompts_widget import version_row
from route_switch.dashboard.week.context import AboutReport, days_in_words
from route_switch.dashboard.week.figures import figures_of
from route_switch.dashboard.week.page import to_html
from route_switch.dashboard.week.picture import NARROW, WIDE, spent_by_day
from route_switch.dashboard.week.tables import tables_of
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.learning.learning_run import RunOutcome
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.operations.savings import SavedEstimate, ShadowSavings
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.domain.switches import Switches
from route_switch.domain.tiers import Tier
from route_switch.services.operations.advise_week import next_steps, prompt_news
from route_switch.services.operations.show_week import MonthBudget, WeekReport
from route_switch.services.operations.sum_costs import CostGroup
from tests.support.html_page import Page
from tests.support.week import EMPTY, FIGURES, KEY, LAST, REPORT, RUN, VERSIONS, costs, with_costs

PROD = AboutReport("prod", "https://example.test/prod/console")
HOSTILE = "</style><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"
TOKENS = Path("functions/console/page/src/styles/tokens.css")
PACKAGE = Path("layers/core/python/route_switch/dashboard/week")
SHADOW = ShadowSavings(1000, 100, 5.0, 0.1, SavedEstimate(2.0, 1.0, 3.0), None)


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(to_html(REPORT, PROD))


def test_the_page_opens_with_the_three_sentences(page: Page) -> None:
    assert "1,200 requests and learning cost $13.30, an estimated $19.91 less than" in page.text
    assert "96.0% are no worse than Tier 3's" in page.text
    assert "Learning found a better prompt, and it is live as version 8;" in page.text


def test_the_page_shows_each_part_of_the_week(page: Page) -> None:
    headings = ("By day", "By tier", "By model", "By key", "Prompt versions", "Learning runs")
    for said in (
        *headings,
        *("$17.45 to $22.37", "0.83", "58 / 27 / 15", "bedrock/claude", "team=search"),
        *(
            "0.75 (n = 40)",
            "better: +0.031 (+0.004 to +0.058)",
            RUN,
            "at most 5% of answers are worse",
        ),
        *("6.0% of queries are moved to a larger model", "$5.80", "$20.90", "88.4% is used"),
    ):
        assert said in page.text, said


def test_the_page_loads_nothing_and_runs_no_script(page: Page) -> None:
    html = to_html(REPORT, PROD)
    assert not {"script", "link", "img", "iframe", "object"} & {name for name, _ in page.tags}
    addresses = [
        v for _, attributes in page.tags for n, v in attributes.items() if n in ("href", "src")
    ]
    assert addresses == ["https://example.test/prod/console"]
    assert "url(" not in html
    assert "@import" not in html
    (style,) = page.styles
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.policy
    assert "default-src 'none'; script-src 'none'" in page.policy
    assert all("style" not in attributes for _, attributes in page.tags)


def test_names_that_an_owner_or_a_provider_chose_are_shown_as_text() -> None:
    key = replace(REPORT.keys[0], group=replace(KEY, name=HOSTILE, tags={HOSTILE: HOSTILE}))
    version = replace(VERSIONS[0], origin=HOSTILE, verdict=HOSTILE, written_by=HOSTILE)
    report = replace(
        REPORT, keys=(key,), versions=(version,), models={HOSTILE: CostTotals(1.0)}, promise=HOSTILE
    )
    hostile = Page(to_html(report, AboutReport("prod", HOSTILE, HOSTILE)))
    assert {name for name, _ in hostile.tags} == {
        name for name, _ in Page(to_html(REPORT, PROD)).tags
    }
    assert hostile.text.count("<script>alert(1)</script>") >= 6


def test_what_routing_would_have_saved_in_shadow_is_a_figure_of_its_own() -> None:
    shadow = replace(REPORT, figures=replace(FIGURES, shadow=SHADOW))
    page = Page(to_html(shadow, PROD))
    assert "Would have saved in shadow" in page.text
    assert "$1.00 to $3.00, 1,000 requests" in page.text
    unknown = replace(SHADOW, saved_usd=None)
    page = Page(to_html(replace(REPORT, figures=replace(FIGURES, shadow=unknown)), PROD))
    assert "no decision has a known saving" in page.text


def test_only_an_estimated_saving_is_marked_as_one() -> None:
    known = ((SavingBasis.TIER_3, 1200),)
    figures = {each.name: each for each in figures_of(with_costs(saving_basis=known))}
    assert (figures["Saved"].mark, figures["All on Tier 3"].mark) == ("", "")


def test_beyond_fifty_keys_the_cheaper_ones_share_a_row() -> None:
    many = tuple(CostGroup(replace(KEY, name=f"key {n}"), costs(10, 1.0 + n)) for n in range(60))
    page = Page(to_html(replace(REPORT, keys=many), PROD))
    assert "10 others" in page.text
    assert "key 59" in page.text
    assert "key 9" not in page.text


def test_the_same_report_gives_the_same_bytes() -> None:
    assert to_html(REPORT, PROD) == to_html(REPORT, PROD)


def test_the_page_and_the_console_share_their_colors_and_sizes() -> None:
    assert (PACKAGE / "tokens.css").read_text("utf-8") == TOKENS.read_text("utf-8"), (
        f"Copy {TOKENS} to {PACKAGE}/tokens.css."
    )
    used = (PACKAGE / "week.css").read_text("utf-8").split("var(")[1:]
    names = {each.partition(")")[0] for each in used}
    assert all(f"{name}:" in TOKENS.read_text("utf-8") for name in names)


def test_on_the_first_day_the_page_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(to_html(EMPTY, AboutReport(None)))
    assert "there were no requests, so nothing was spent or saved." in page.text
    assert "'route-switch keys create'" in page.text
    assert "None" not in page.text
    assert not page.named("table")
    assert not page.named("svg")
    print_report(EMPTY, AboutReport(None))
    printed = capsys.readouterr().out
    assert "stage local" in printed
    assert "What to do next\n- Send requests:" in printed


def test_without_anything_to_do_there_is_no_list(capsys: pytest.CaptureFixture[str]) -> None:
    calm = replace(REPORT, month=MonthBudget(1.0, 50.0))
    assert next_steps(calm, "prod") == ()
    assert "What to do next" not in Page(to_html(calm, PROD)).text
    print_report(calm, PROD)
    assert "What to do next" not in capsys.readouterr().out


def test_simulated_parts_are_named_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    context = AboutReport(None, None, "Simulated: the tiers.")
    print_report(REPORT, context)
    assert "Simulated: the tiers." in capsys.readouterr().out
    assert "Simulated: the tiers." in Page(to_html(REPORT, context)).text
    assert report_body(REPORT, context)["simulated"] == "Simulated: the tiers."


def test_the_json_has_the_words_of_the_cost_endpoint_and_the_sentences() -> None:
    body = json.loads(json.dumps(report_body(REPORT, PROD)))
    assert (body["object"], body["from"], body["to"]) == ("report", "2026-11-24", "2026-11-30")
    assert body["total"]["saved_estimated_usd"] == pytest.approx(19.91)
    assert body["days"][0]["day"] == "2026-11-24"
    assert [row["tier"] for row in body["tiers"]] == ["1", "2", "3", "router"]
    assert body["keys_of_month"][0]["name"] == "search"
    assert body["quality"]["measured"] == {
        "no_worse_than_tier_3": 0.96,
        "low": 0.94,
        "high": 0.98,
        "n": 412,
        "run": RUN,
    }
    assert body["quality"]["people"] == {"mean": 0.83, "n": 40}
    assert body["sentences"]["money"].startswith("In the last 7 days, 1,200 requests")
    assert body["budgets"]["learning"] == {"limit_usd": 25.0, "spent_usd": 4.1, "left_usd": 20.9}
    assert [run["outcome"] for run in body["runs"]] == ["promoted", "not enough evidence"]
    assert body["prompt"]["steering"]["router"] == "openai/router"


def test_a_waiting_run_comes_first() -> None:
    waiting = replace(REPORT.runs[0], outcome=None, waits=True, version=None)
    report = replace(REPORT, runs=(waiting, *REPORT.runs[1:]))
    assert "waits for your approval" in prompt_news(report, "prod").sentence
    assert f"'route-switch approve {RUN} --stage prod'" in next_steps(report, "prod")[0]
    assert f"'route-switch approve {RUN}'" in next_steps(report, None)[0]


def test_a_version_that_no_run_made_is_the_news_unless_a_run_ended_later() -> None:
    by_hand = replace(
        VERSIONS[0], version=9, origin="edit of 8", written_at=REPORT.runs[1].started_at
    )
    report = replace(REPORT, versions=(by_hand, *VERSIONS))
    assert prompt_news(report, None).sentence.startswith("Learning found a better prompt")
    later = replace(by_hand, written_at=REPORT.runs[0].started_at + timedelta(hours=9))
    report = replace(REPORT, versions=(later, *VERSIONS))
    assert prompt_news(report, None).sentence.startswith("Prompt version 9 went live (edit of 8);")


def test_a_week_without_a_run_says_that_nothing_changed() -> None:
    quiet = replace(REPORT, runs=(), versions=VERSIONS[1:])
    said = prompt_news(quiet, None).sentence
    assert said.startswith(
        "No learning run ended in this time, and prompt version 8 did not change"
    )
    off = replace(quiet, switches=Switches(learning="off"))
    assert "'route-switch switch learning on'" in prompt_news(off, None).sentence


UNRATED = replace(FIGURES, people=Scores(), costs=replace(FIGURES.costs, overview=None))


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (with_costs(failed=100), "100 of 1,300 requests failed"),
        (
            with_costs(without_cost=1, saving_basis=((SavingBasis.NO_PRICE, 1),)),
            "A model's price is missing for 1 answer: set",
        ),
        (replace(REPORT, switches=Switches(pin_tier=Tier.LARGE)), "Tier 3 is pinned"),
        (replace(REPORT, switches=Switches(routing="off")), "Routing is off"),
        (replace(REPORT, switches=Switches(learning="off")), "Learning is off"),
        (
            replace(
                REPORT, switches=Switches(routing="shadow"), figures=replace(FIGURES, shadow=SHADOW)
            ),
            "Routing would save at least $1.00",
        ),
        (
            replace(REPORT, figures=replace(FIGURES, measured=None), runs=()),
            "'route-switch learn --stage prod'",
        ),
        (replace(REPORT, figures=UNRATED), "POST /v1/feedback"),
        (
            replace(REPORT, learning=MonthBudget(24.0, 25.0)),
            "96.0% of this month's learning budget",
        ),
    ],
)
def test_what_needs_a_person_is_in_the_list(report: WeekReport, said: str) -> None:
    calm = replace(report, month=MonthBudget(1.0, None))
    (step,) = next_steps(calm, "prod")
    assert said in step


def test_where_no_price_is_missing_none_is_asked_for() -> None:
    """Simulated models without a recorded answer report no tokens; nor do some providers."""
    report = with_costs(without_cost=2, saving_basis=((SavingBasis.NO_TOKENS, 2),))
    assert next_steps(replace(report, month=MonthBudget(1.0, None)), "prod") == ()


def test_requests_that_could_not_be_priced_are_counted_next_to_the_sums() -> None:
    partly = with_costs(without_cost=600, without_saving=600)
    page = Page(to_html(replace(partly, days={LAST: partly.figures.costs}), PROD))
    assert "$13.30" in page.text
    assert "$19.91" in page.text
    assert "600 of 1,200 requests could not be priced" in page.text
    assert "600 of 1,200 answers could not be priced" in page.text
    ((_, by_day), *_) = tables_of(partly)
    assert (by_day.head[-1], by_day.rows[-1][-1]) == ("Unpriced", "600")
    assert "Unpriced" not in next(tables_of(REPORT))[1].head


@pytest.mark.parametrize("outcome", RunOutcome)
def test_each_verdict_is_shown_in_plain_words(outcome: RunOutcome) -> None:
    run = replace(REPORT.runs[0], outcome=outcome)
    page = Page(to_html(replace(REPORT, runs=(run,)), PROD))
    assert "None" not in page.text
    assert RUN in page.text


@pytest.mark.parametrize(
    ("waits", "stopped", "said"),
    [
        (True, False, "A better prompt, which waits for approval"),
        (False, True, "Nothing: it was stopped"),
        (False, False, "Nothing yet: it is under way"),
    ],
)
def test_a_run_without_an_outcome_shows_its_state(waits: bool, stopped: bool, said: str) -> None:
    run = replace(REPORT.runs[0], outcome=None, version=None, waits=waits, stopped=stopped)
    assert said in Page(to_html(replace(REPORT, runs=(run,)), PROD)).text


def test_an_author_that_parameter_store_does_not_name_is_a_dash() -> None:
    local = replace(VERSIONS[0], written_by="N/A")
    assert [version_row(each)[3] for each in (local, VERSIONS[1])] == ["–", "ann"]


@given(
    st.lists(st.floats(0, 1e7) | st.floats(1e-9, 1e-3), min_size=1, max_size=92),
    st.sampled_from((WIDE, NARROW)),
)
def test_every_bar_is_inside_the_picture(spent: list[float], width: float) -> None:
    days = {LAST - timedelta(n): costs(10, usd, 0.0) for n, usd in enumerate(spent)}
    drawn = spent_by_day(days, width, "wide")
    if max(spent) <= 0:
        assert drawn is None
        return
    assert drawn is not None
    bars = [a for name, a in Page(drawn).tags if name == "rect"]
    assert len(bars) == 2 * len(spent)
    for bar in bars:
        left, top, wide, high = (float(str(bar[name])) for name in ("x", "y", "width", "height"))
        assert 0 <= left <= left + wide <= width + 0.2
        assert -0.2 <= top <= top + high <= 220


def test_a_day_without_an_estimate_has_no_bar_for_tier_3() -> None:
    drawn = spent_by_day({LAST: replace(costs(), baseline_usd=None)}, WIDE, "wide")
    assert drawn is not None
    assert [a["class"] for name, a in Page(drawn).tags if name == "rect"] == ["spent"]
    unknown = Page(to_html(with_costs(baseline_usd=None, without_saving=1200), PROD))
    assert "1,200 of 1,200 answers could not be priced" in unknown.text


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (date(2026, 11, 30), "November 30, 2026"),
        (date(2026, 11, 24), "November 24 to 30, 2026"),
        (date(2026, 10, 24), "October 24 to November 30, 2026"),
        (date(2025, 11, 30), "November 30, 2025 to November 30, 2026"),
    ],
)
def test_the_title_names_the_days(first: date, said: str) -> None:
    assert days_in_words(first, date(2026, 11, 30)) == said
