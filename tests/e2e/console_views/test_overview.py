"""The overview's actions, on made-up answers."""

import re

from tests.support.browser import expect
from tests.support.console_answers import RUNS, Answer, run_detail
from tests.support.console_costs import costs
from tests.support.consoles import Consoles
from tests.support.fake_api import Answering, FakeApi, Response, refused


def test_a_range_and_a_group_ask_for_their_sums(consoles: Consoles) -> None:
    api = FakeApi()
    page = consoles.faked(api, "overview").page
    page.get_by_role("radio", name="7 days").check()
    expect(page.get_by_role("main")).to_contain_text("Nov 24 to Nov 30, days in UTC")
    for label, row in (("Key", "support-bot"), ("Tag", "team=search"), ("Model", "gpt-4.1-mini")):
        page.get_by_label("By", exact=True).select_option(label=label)
        table = page.get_by_role("table", name=f"Costs by {label.lower()}")
        expect(table).to_contain_text(row)
    page.reload()
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    expect(page.get_by_role("table", name="Costs by model")).to_be_visible()
    assert {"from": "2026-11-24", "to": "2026-11-30", "group_by": "day"} in api.queries


def test_the_figures_of_a_curve_are_also_a_table(consoles: Consoles) -> None:
    console = consoles.faked(FakeApi(), "overview")
    page = console.page
    curve = page.get_by_role("figure", name="Cost by day")
    curve.get_by_role("button", name="Table").click()
    expect(curve.get_by_role("table")).to_contain_text("Nov 30")
    assert console.axe() == []


def test_the_first_focus_skips_the_navigation(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi()).page
    for view in ("overview", "decisions"):
        page.evaluate("view => { location.hash = `#/${view}` }", view)
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()
        assert page.url.endswith(f"#/{view}")


def judging(which: Answer, *, live: str | None) -> Answer:
    """A run in which the prompt of this policy is live now."""
    detail = run_detail(which)
    frontier: Answer = {"name": live, "is_live": True}
    return {**detail, "frontier": {"points": [] if live is None else [frontier]}}


def test_the_judge_s_figure_is_of_the_newest_run_that_judged_the_live_prompt(
    consoles: Consoles,
) -> None:
    ended = RUNS[1:4]
    judged = ("incumbent", "candidate", "incumbent")
    answers: dict[str, Answering] = {
        f"GET /v1/runs/{which['run']}": Response(judging(which, live=live))
        for which, live in zip(ended, (None, *judged[1:]), strict=True)
    }
    newest = f"GET /v1/runs/{ended[0]['run']}"
    api = FakeApi(answers=answers)
    expect(consoles.faked(api, "overview").page.get_by_role("main")).to_contain_text("judge: 96.1%")
    api = FakeApi(answers={**answers, newest: Response(judging(ended[0], live="incumbent"))})
    expect(consoles.faked(api, "overview").page.get_by_role("main")).to_contain_text("judge: 94.3%")


def test_a_prompt_that_no_run_judged_has_no_judge_s_figure(consoles: Consoles) -> None:
    api = FakeApi(
        answers={
            f"GET /v1/runs/{which['run']}": Response(judging(which, live=None)) for which in RUNS
        }
    )
    page = consoles.faked(api, "overview").page
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("main")).to_contain_text("from people")
    expect(page.get_by_role("main")).not_to_contain_text("judge:")


def test_what_could_not_be_read_is_reported_and_read_again(consoles: Consoles) -> None:
    api = FakeApi()
    for path in ("/v1/runs", "/v1/prompt/history"):
        api.answers[f"GET {path}"] = refused(503, "service_unavailable", "Away.")
    page = consoles.faked(api, "overview").page
    main = page.get_by_role("main")
    expect(main).to_contain_text(
        "Could not be read and is left out: the versions of the prompt, the judge's verdict."
    )
    api.answers.clear()
    main.get_by_role("button", name="Try again").click()
    expect(main).to_contain_text("judge: 96.1%")
    expect(main).not_to_contain_text("Could not be read")


def test_times_in_the_last_bucket_are_only_known_to_be_over_its_start(consoles: Consoles) -> None:
    body = costs("day")
    total = body["total"]
    assert isinstance(total, dict)
    slow: Answer = {
        **total,
        "latency_ms": {"mean": 40_000, "p50": 9_000, "p95": 57_000},
        "first_token_ms": {"mean": 9_000, "p50": 12_000, "p95": 15_500},
    }
    api = FakeApi(answers={"GET /v1/costs": Response({**body, "total": slow})})
    main = consoles.faked(api, "overview").page.get_by_role("main")
    expect(main).to_contain_text("95th percentile over 16 s")
    expect(main).to_contain_text("over 8 s")
    expect(main).not_to_contain_text("57 s")


def partial_costs(by: str) -> Answer:
    """Sums of which a part could not be priced."""
    missing = "40 of 12,400 requests could not be priced"
    gaps: Answer = {
        "unpriced": {"spent": missing, "baseline": None, "saved": missing},
        "requests_without_cost": 40,
        "requests_without_saving": 40,
    }
    body = costs(by)
    total, rows = body["total"], body["data"]
    assert isinstance(total, dict)
    assert isinstance(rows, list)
    first, *others = rows
    assert isinstance(first, dict)
    unknown: Answer = {**gaps, "spent_usd": None} if by == "model" else gaps
    quality: Answer = {"people": None}
    return {
        **body,
        "total": {**total, **gaps, "quality": quality},
        "data": [{**first, **unknown}, *others],
    }


def test_a_sum_with_a_gap_says_so_in_every_place(consoles: Consoles) -> None:
    api = FakeApi()
    api.costs = partial_costs
    page = consoles.faked(api, "overview").page
    main = page.get_by_role("main")
    expect(main).to_contain_text("Spent is a lower bound: 40 of 12,400 requests")
    stat = main.locator(".stat").filter(has_text="net of router and learning")
    expect(stat.locator(".stat-value")).to_have_text(re.compile(r"^\$[\d.,]+$"))
    judge = main.locator(".stat").filter(has_text="Quality, by the judge")
    expect(judge).to_contain_text(
        "96.1%as good as Tier 3 on 1,204 examples; no ratings from people"
    )
    curve = page.get_by_role("figure", name="Cost by day")
    curve.get_by_role("button", name="Table").click()
    for name in ("Unpriced requests", "Answers without an estimate", "Marks"):
        expect(curve.get_by_role("columnheader", name=name)).to_be_visible()
    expect(curve.get_by_role("row").filter(has_text="Version 3")).to_contain_text("Nov 29")
    for label in ("Key", "Tag", "Model"):
        page.get_by_label("By", exact=True).select_option(label=label)
        row = page.get_by_role("table", name=f"Costs by {label.lower()}").get_by_role("row").nth(1)
        expect(row).to_contain_text("– + 40 unpriced" if label == "Model" else "+ 40 unpriced")
    expect(main).to_contain_text("For each model: the cost of its calls")


def test_ranges_ask_for_their_days_and_bad_days_are_reported(consoles: Consoles) -> None:
    api = FakeApi()
    page = consoles.faked(api, "overview?range=custom&from=zzz&to=2026-11-30").page
    expect(page.get_by_role("alert")).to_contain_text("“zzz” is not a day")
    assert not any(name == "GET /v1/costs" for name, _ in api.called)
    with page.expect_request(lambda request: "from=2026-11-02" in request.url):
        page.get_by_label("From", exact=True).fill("2026-11-02")
    page.get_by_label("To", exact=True).fill("2026-10-30")
    expect(page.get_by_text("The first day is after the last.").first).to_be_visible()
    assert not any(query.get("to") == "2026-10-30" for query in api.queries)
    for name, days in (("90 days", "Sep 2 to Nov 30"), ("This month", "Nov 1 to Nov 30")):
        page.get_by_role("radio", name=name).check()
        expect(page.get_by_role("main")).to_contain_text(f"{days}, days in UTC")
        expect(page.get_by_role("figure", name="Cost by day")).to_be_visible()


LISTEN_TO_CANVAS = """
() => {
    window.drawn = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, ...more) {
        drawn.push([text, x / this.canvas.width]);
        return fillText.call(this, text, x, ...more);
    };
}
"""
"""Keep each text that is drawn, and where: as a share of the width."""


def test_costs_are_summed_up_and_each_version_is_marked_in_the_curve(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "overview").page
    expect(page.get_by_role("figure", name="Cost by day")).to_be_visible()
    page.evaluate(LISTEN_TO_CANVAS)
    page.get_by_role("radio", name="Cumulative").check()
    curve = page.get_by_role("figure", name="Cumulative cost")
    expect(curve).to_be_visible()
    page.wait_for_function("drawn.some(([text]) => /(live@|Version )3$/.test(text))")
    drawn: list[tuple[str, float]] = page.evaluate("drawn")
    at = {text[-1]: x for text, x in drawn if re.search(r"(live@|Version )\d$", text)}
    assert 0.05 < at["2"] < 0.3 < 0.8 < at["3"] < 1  # written on Nov 1 and Nov 29
    curve.get_by_role("button", name="Table").click()
    last = curve.get_by_role("row").filter(has_text="Nov 30")
    for total in ("$29.58", "$55.55"):
        expect(last).to_contain_text(total)
