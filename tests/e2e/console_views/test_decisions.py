"""The list of requests on made-up answers: filters, the record, and thousands of rows."""

from typing import Any

from tests.support.browser import PHONE, expect
from tests.support.console_answers import Answer
from tests.support.console_figures import best_of, keep_figure
from tests.support.console_traffic import record, results, row
from tests.support.consoles import Consoles
from tests.support.fake_api import FakeApi, Response, refused

SMALL_LAPTOP = (1280, 720)
LONGEST_TASK_MS = 200
MANY = 10_000
READ_ON = """
async rows => {
    const known = () => Number(document.querySelector("table").getAttribute("aria-rowcount"));
    while (known() <= rows) {
        [...document.querySelectorAll("button")].find(each => each.innerText === "Older")?.click();
        await new Promise(done => setTimeout(done, 10));
    }
}
"""
"""Press "Older" until so many rows are there; a busy button does nothing."""
CUT_CELLS = """
[...document.querySelectorAll("tbody td")].filter(each => each.scrollWidth > each.clientWidth)
    .map(each => each.innerText)
"""
NEXT_FRAME = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
OBSERVE = """
window.longTasks = [];
new PerformanceObserver(list => longTasks.push(...list.getEntries().map(each => each.duration)))
    .observe({ type: "longtask", buffered: true });
"""


def test_decisions_are_filtered_and_opened_by_keyboard(consoles: Consoles) -> None:
    api = FakeApi()
    page = consoles.faked(api, "decisions").page
    page.get_by_label("Tier", exact=True).select_option(label="Tier 3")
    expect(page.get_by_role("button", name="Clear filters")).to_be_visible()
    for choice, sent in (("With an error", "any"), ("None", "none")):
        with page.expect_request(lambda request, sent=sent: f"error={sent}" in request.url):
            page.get_by_label("Error", exact=True).select_option(label=choice)
    expect(page.get_by_label("From (UTC)")).to_be_visible()
    expect(page.get_by_label("To (UTC)")).to_be_visible()
    page.locator("tr[data-row='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Request")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("tr[data-row='1']")).to_be_focused()


def test_each_filter_is_sent_and_a_key_that_is_gone_stays_visible(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "decisions?key=key_gone").page
    expect(page.get_by_label("Key", exact=True)).to_have_value("key_gone")
    choices = (
        ("Key", "search", "key=key_7b1f20c4"),
        ("Reason", "bypass", "reason=bypass"),
        ("Status", "Interrupted", "status=partial"),
        ("Thumb", "Down", "thumb=down"),
    )
    for label, choice, sent in choices:
        with page.expect_request(lambda request, sent=sent: sent in request.url):
            page.get_by_label(label, exact=True).select_option(label=choice)
    typed = (
        ("Model", "openai/gpt-4.1", "model=openai%2Fgpt-4.1"),
        ("Min cost, USD", "0.004", "min_cost_usd=0.004"),
        ("From (UTC)", "2026-11-28", "from=2026-11-28"),
        ("To (UTC)", "2026-11-29", "to=2026-11-29"),
    )
    for label, text, sent in typed:
        with page.expect_request(lambda request, sent=sent: sent in request.url):
            page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("")


def test_older_requests_are_read_on_request_and_refresh_starts_again(consoles: Consoles) -> None:
    api = FakeApi(number_of_rows=450)
    page = consoles.faked(api, "decisions").page
    found = page.get_by_role("main").get_by_role("status").first
    expect(found).to_have_text("200 requests, older ones not loaded")
    for told in ("400 requests, older ones not loaded", "450 requests"):
        page.get_by_role("button", name="Older").click()
        expect(found).to_have_text(told)
    expect(page.get_by_role("button", name="Older")).to_have_count(0)
    api.rows = api.rows[-3:]
    page.get_by_role("button", name="Refresh").click()
    expect(found).to_have_text("3 requests")
    expect(page.locator("tr[data-row]")).to_have_count(3)

    untold: Answer = {"query_text": None, "answer_text": None}
    shown = api.rows[0][0].request_id
    body = record(shown, api.rows)
    api.answers[f"GET /v1/results/{shown}"] = Response({**body, **untold})
    page.locator("tr[data-row='0']").click()
    panel = page.get_by_role("dialog", name="Request")
    expect(panel).to_contain_text("This stage does not store the texts of this request.")
    expect(panel.get_by_role("region", name="Query")).to_have_count(0)


def test_a_wrong_cost_is_reported_next_to_the_filter(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "decisions").page
    for wrong in ("abc", "-3"):
        page.get_by_label("Min cost, USD").fill(wrong)
        expect(page.get_by_text("Enter an amount of 0 or more")).to_be_visible()
        page.get_by_label("Min cost, USD").fill("")
        expect(page.get_by_text("Enter an amount of 0 or more")).to_have_count(0)


def test_back_closes_the_record_and_closing_leaves_no_step_behind(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "decisions").page
    record = page.get_by_role("dialog", name="Request")
    page.locator("tr[data-row='0']").click()
    expect(record).to_be_visible()
    page.go_back()
    expect(record).to_have_count(0)
    expect(page.locator("tr[data-row='0']")).to_be_visible()
    steps = page.evaluate("history.length")
    page.locator("tr[data-row='0']").click()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(record).to_have_count(0)
    assert page.evaluate("history.length") == steps


def test_an_error_of_the_list_stands_alone(consoles: Consoles) -> None:
    told = "The date 2026-99-99 does not exist. Write YYYY-MM-DD."
    api = FakeApi(answers={"GET /v1/results": refused(400, "invalid_request", told)})
    page = consoles.faked(api, "decisions?from=2026-99-99").page
    expect(page.get_by_role("alert")).to_contain_text(told)
    for absent in ("0 requests", "0 of", "older ones"):
        expect(page.get_by_role("main")).not_to_contain_text(absent)
    for absent in ("Try again", "Older"):
        expect(page.get_by_role("button", name=absent)).to_have_count(0)


def test_ten_thousand_decisions_scroll_without_long_tasks(consoles: Consoles) -> None:
    def longest_task() -> float:
        page = consoles.faked(FakeApi(number_of_rows=MANY), "decisions").page
        load_all(page, MANY)
        page.evaluate(OBSERVE)
        page.evaluate("longTasks.length = 0")
        scroll(page)
        return max(page.evaluate("longTasks"), default=0.0)

    best = best_of(longest_task, LONGEST_TASK_MS)
    keep_figure("longest task while scrolling 10,000 decisions, ms", best)
    assert best < LONGEST_TASK_MS


def load_all(page: Any, rows: int) -> None:
    expect(page.get_by_role("table")).to_be_visible()
    page.evaluate(READ_ON, rows)
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", str(rows + 1))


def scroll(page: Any) -> None:
    """To the end and back with the wheel, then with the keyboard."""
    box = page.get_by_role("table").locator("xpath=..")
    for share in (0.1, 0.5, 0.9, 1, 0.3, 0):
        box.evaluate("(box, share) => box.scrollTo(0, share * box.scrollHeight)", share)
        page.evaluate(NEXT_FRAME)
    page.locator("tr[data-row='0']").focus()
    for key in ("End", "PageUp", "ArrowUp", "Home", "PageDown"):
        page.keyboard.press(key)
        page.evaluate(NEXT_FRAME)


def test_a_phone_leaves_time_tier_status_and_cost_in_the_list_and_the_zone(
    consoles: Consoles,
) -> None:
    console = consoles.faked(FakeApi(), "decisions", PHONE)
    page = console.page
    for name in ("Time", "Tier", "Status", "Cost"):
        expect(page.get_by_role("columnheader", name=name)).to_be_in_viewport(ratio=0.99)
    assert page.evaluate(CUT_CELLS) == []
    expect(page.get_by_text("Times: Europe/Zurich")).to_be_in_viewport(ratio=0.99)
    assert console.overflow() == 0


def test_hashes_and_scores_are_shown_as_such(consoles: Consoles) -> None:
    api = FakeApi()
    listed = api.rows[:1]
    path = f"GET /v1/results/{listed[0][0].request_id}"
    scored: Answer = {**row(listed[0]), "thumb": "up", "score": 0.7}
    texts: Answer = {"query_text": "a1" * 32, "answer_text": "b2" * 32}
    api.answers |= {
        "GET /v1/results": Response({**results(listed, 50, None), "data": [scored]}),
        path: Response({**record(listed[0][0].request_id, api.rows), **texts}),
    }
    page = consoles.faked(api, "decisions").page
    first = page.locator("tr[data-row='0']")
    expect(first.get_by_text("70%")).to_be_visible()
    first.click()
    told = page.get_by_role("dialog", name="Request")
    expect(told.get_by_role("region", name="Hash of the query")).to_have_text("a1" * 32)
    expect(told.get_by_role("region", name="Hash of the answer")).to_have_text("b2" * 32)
    expect(told).to_contain_text("This stage stores hashes of texts")


def test_a_small_window_leaves_the_model_in_the_list(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "decisions", SMALL_LAPTOP).page
    cell = page.locator("tr[data-row='0'] td").nth(3)
    expect(cell).to_contain_text("gpt-4.1")
    box = cell.bounding_box()
    assert box is not None
    assert box["width"] >= 120
