"""The prompt on made-up answers: what a preview says, the steering score and evidence."""

from typing import Any

from tests.support.browser import Watched, expect
from tests.support.console_answers import (
    EDITED,
    HAND_WRITTEN,
    RUN,
    RUNS,
    Answer,
    learned,
    preview,
    prompt,
    published,
    version,
)
from tests.support.consoles import Consoles
from tests.support.fake_api import EMPTY, FakeApi, Response

QUERY = "How long do I have to send the shoes back?"


def previewed(consoles: Consoles) -> Watched:
    body: Answer = preview()
    moved = body["moved"]
    assert isinstance(moved, list)
    first = moved[0]
    assert isinstance(first, dict)
    asked: Answer = {**first, "requests": 17, "request_id": "req-000001"}
    whole: Answer = {**body, "compared": 41, "queries": 25, "moved": [asked, *moved[1:]]}
    api = FakeApi(answers={"POST /v1/prompt/preview": Response(whole)})
    console = consoles.faked(api, "prompt?tab=edit")
    console.page.get_by_label("Routing prompt").press("Control+End")
    console.page.get_by_label("Routing prompt").press_sequentially("\n- a haiku")
    console.page.get_by_role("button", name="Preview").click()
    return console


def test_a_preview_says_how_many_requests_each_query_stands_for(consoles: Consoles) -> None:
    console = previewed(consoles)
    result = console.page.get_by_role("region", name="Preview")
    expect(result).to_contain_text("of 41 requests compared (7%), with 25 different queries")
    row = result.get_by_role("row").filter(has_text=QUERY)
    expect(row.get_by_role("cell").nth(1)).to_have_text("17")
    assert console.axe() == []


def test_a_preview_stays_while_the_reader_looks_at_a_request(consoles: Consoles) -> None:
    page = previewed(consoles).page
    page.get_by_role("link", name="Record of req-000001").click()
    expect(page.get_by_role("dialog", name="Request")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("region", name="Preview")).to_contain_text(QUERY)
    page.get_by_label("Routing prompt").press("End")
    page.get_by_label("Routing prompt").press_sequentially("!")
    expect(page.get_by_text("You have changed the text since this preview.")).to_be_visible()


def test_every_view_says_the_steering_score_in_the_same_words(consoles: Consoles) -> None:
    live: Answer = prompt(1, HAND_WRITTEN, 30.0, "ann", live=1)
    score = live["steering"]
    checked = Response({**published(None), "steering": score})
    api = FakeApi(answers={"GET /v1/prompt": Response(live), "POST /v1/prompt": checked})
    page = consoles.faked(api, "overview").page
    main = page.get_by_role("main")
    told = (
        "texts around a query move 4.8% of queries to a higher tier on average, "
        "15 of 60 by the most effective text"
    )
    expect(main).to_contain_text(told)
    page.evaluate("location.hash = '#/prompt'")
    expect(main.get_by_role("region", name="How version 1 was made").first).to_contain_text(told)
    page.get_by_role("radio", name="Edit").check()
    page.get_by_role("button", name="Check").click()
    expect(main).to_contain_text(told)


def test_a_text_without_a_score_is_said_to_be_not_measured_everywhere(consoles: Consoles) -> None:
    live: Answer = {**prompt(1, HAND_WRITTEN, 30.0, "ann", live=1), "steering": None}
    unmeasured = Response(published(None))
    api = FakeApi(answers={"GET /v1/prompt": Response(live), "POST /v1/prompt": unmeasured})
    page = consoles.faked(api, "overview").page
    main = page.get_by_role("main")
    expect(main).to_contain_text("Steering of version 1, that is, how easily a text around a query")
    expect(main).to_contain_text("another tier: not measured for this text")
    page.evaluate("location.hash = '#/prompt'")
    expect(main.get_by_role("region", name="How version 1 was made").first).to_contain_text(
        "not measured"
    )
    page.get_by_role("radio", name="Edit").check()
    page.get_by_role("button", name="Check").click()
    expect(main).to_contain_text("Steering: not measured for this text")


def test_a_second_preview_cannot_be_paid_for_while_one_is_under_way(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "prompt?tab=edit").page
    asked: list[Any] = []
    page.route("**/v1/prompt/preview", lambda call: asked.append(call))
    page.get_by_label("Routing prompt").press("Control+End")
    page.get_by_label("Routing prompt").press_sequentially("\n- a haiku")
    button = page.get_by_role("button", name="Preview")
    button.click()
    asking = page.get_by_role("button", name="Asking the router LLM…")
    for view in ("learning", "prompt?tab=edit"):
        page.evaluate("view => { location.hash = `#/${view}` }", view)
    expect(asking).to_be_disabled()
    asking.click(force=True)
    page.wait_for_timeout(0)
    (only,) = asked
    only.fulfill(json=preview())
    expect(page.get_by_role("region", name="Preview")).to_contain_text(QUERY)
    expect(button).to_be_enabled()
    assert len(asked) == 1


def stored(*documents: str) -> FakeApi:
    """A stage with these versions, the newest first, written at 23:27 UTC on Nov 29."""
    numbered = [(len(documents) - n, document) for n, document in enumerate(documents)]
    listed = [version(n, document, 0.62, "ann") for n, document in numbered]
    live = prompt(*numbered[0], 0.62, "ann", live=len(documents))
    history: Answer = {"object": "list", "data": [*listed]}
    return FakeApi(
        answers={"GET /v1/prompt": Response(live), "GET /v1/prompt/history": Response(history)}
    )


def test_the_run_of_a_text_is_found_after_a_rollback_and_reported_if_it_is_gone(
    consoles: Consoles,
) -> None:
    api = stored(learned(), EDITED, learned(), HAND_WRITTEN)
    api.answers["GET /v1/runs"] = Response({**EMPTY, "data": [{**made_live(), "live_version": 2}]})
    page = consoles.faked(api, "prompt").page
    made = page.get_by_role("region", name="How version 4 was made").first
    expect(made).to_contain_text(f"made live by run {RUN}")
    expect(made.get_by_role("figure")).to_be_visible()
    api.answers["GET /v1/runs"] = Response(EMPTY)
    page.reload()
    expect(made).to_contain_text("No run in the list made this text live.")
    expect(made).to_contain_text("gain 0.034")


def test_evidence_about_another_text_is_not_shown_as_the_edit_s(consoles: Consoles) -> None:
    edited = learned().replace("a greeting, thanks, small talk", "a greeting, thanks, chit-chat")
    page = consoles.faked(stored(edited, HAND_WRITTEN), "prompt").page
    main = page.get_by_role("main")
    expect(page.get_by_label("Compare the live version with")).to_have_text("Version 1 · Nov 30")
    expect(main).to_contain_text("learned, edited since")
    expect(main).to_contain_text("no verdict on this text")
    made = page.get_by_role("region", name="How version 2 was made").first
    for absent in ("gain 0.034", "at most 5%", "made live by run"):
        expect(made.locator("> .stack > :not(details)").filter(has_text=absent)).to_have_count(0)
    made.get_by_text("Provenance as stored").click()
    expect(made).to_contain_text("It is about the text before the edit")


def test_a_publication_whose_answer_is_lost_is_not_said_to_have_failed(consoles: Consoles) -> None:
    api = stored(EDITED, HAND_WRITTEN)
    api.answers["POST /v1/prompt"] = Response(published(None))
    page = consoles.faked(api, "prompt?tab=edit").page
    lost = Response({"message": "Endpoint request timed out"}, 504)
    text = HAND_WRITTEN.replace("a greeting, thanks", "a greeting")
    page.get_by_label("Routing prompt").fill(text)
    alert, publish = page.get_by_role("alert"), page.get_by_role("button", name="Publish…")
    confirm = page.get_by_role("button", name="Publish version 3")
    publish.click()
    expect(confirm).to_be_visible()
    api.answers["POST /v1/prompt"] = lost
    confirm.click()
    expect(alert).to_contain_text("It is not known whether this text was published")
    expect(alert).to_contain_text("publish it again")
    api.answers["POST /v1/prompt"] = Response(published(None))
    publish.click()
    expect(confirm).to_be_visible()
    live = Response(prompt(3, text, 0.0, "ann", live=3))
    api.answers.update({"POST /v1/prompt": lost, "GET /v1/prompt": live})
    confirm.click()
    expect(page.get_by_text("Version 3 is live, with this text.")).to_be_visible()
    expect(alert).to_have_count(0)
    expect(publish).to_be_disabled()


def made_live() -> Answer:
    (found,) = (each for each in RUNS if each["run"] == RUN)
    return found


def test_the_newest_message_is_shown_however_many_warnings_are_open(consoles: Consoles) -> None:
    warnings: Answer = {"warnings": [f"Warning {n}." for n in range(5)]}
    call = "POST /v1/prompt/rollback"
    api = FakeApi(answers={call: Response({**published(4), **warnings})})
    page = consoles.faked(api, "prompt?tab=versions").page
    for told in ("Warning 4.", "Version 5 is live"):
        page.get_by_role("button", name="Roll back to version 2").click()
        page.get_by_role("dialog").get_by_role("button", name="Roll back to version 2").click()
        expect(page.get_by_text(told)).to_be_visible()
        api.answers[call] = Response(published(5))


def test_any_version_is_compared_unfolded_and_edited(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "prompt").page
    chosen = page.get_by_label("Compare the live version with")
    version_1 = chosen.locator("option").filter(has_text="Version 1").inner_text()
    chosen.select_option(label=version_1)
    table = page.get_by_role("table", name="Version 1 beside Version 3")
    expect(table.locator("del").filter(has_text="basic").first).to_be_visible()
    unchanged = table.get_by_role("cell", name="- a word problem that takes a few steps")
    expect(unchanged).to_have_count(0)
    folds = table.get_by_role("button", name="unchanged line")
    for left in reversed(range(folds.count())):
        folds.first.click()
        expect(folds).to_have_count(left)
    expect(unchanged).to_have_count(2)

    page.get_by_role("radio", name="Versions").check()
    page.get_by_role("button", name="Compare version 2").click()
    expect(page.get_by_role("table", name="Version 2 beside Version 3")).to_be_visible()
    page.get_by_role("radio", name="Versions").check()
    page.get_by_role("button", name="Edit version 1").click()
    expect(page.get_by_label("Routing prompt")).to_have_value(HAND_WRITTEN)


def test_a_preview_asks_about_as_many_requests_days_and_dollars_as_the_reader_says(
    consoles: Consoles,
) -> None:
    call = "POST /v1/prompt/preview"
    api = FakeApi(answers={call: Response(preview())})
    page = consoles.faked(api, "prompt?tab=edit").page
    page.get_by_label("Routing prompt").fill(EDITED)
    for label, wrong, right in (
        ("Requests (1 to 100)", "101", "50"),
        ("Days (1 to 30)", "0", "14"),
        ("Max spend, USD (up to 1)", "2", "0.5"),
    ):
        field = page.get_by_label(label)
        field.fill(wrong)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_role("button", name="Preview")).to_be_disabled()
        field.fill(right)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("region", name="Preview")).to_contain_text(QUERY)
    assert api.bodies(call) == [{"document": EDITED, "sample": 50, "days": 14, "budget_usd": 0.5}]


def test_the_version_served_in_place_of_the_live_one_is_named(consoles: Consoles) -> None:
    why = "It is no prompt: the section Instruction is missing."
    broken: Answer = {**prompt(3, learned(), 1.4, "ann", live=2), "valid": False, "reason": why}
    api = FakeApi(answers={"GET /v1/prompt": Response(broken)})
    page = consoles.faked(api, "prompt?tab=versions").page
    alert = page.get_by_role("alert").filter(has_text="The live version cannot be served")
    expect(alert).to_contain_text(why)
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.filter(has_text="served")).to_have_count(1)
    expect(rows.filter(has_text="served")).to_contain_text("2")

    packaged = "packaged@98aa1b2c3d4e"
    unstored: Answer = {"version": packaged, "serving": packaged, "written_at": None}
    api.answers["GET /v1/prompt"] = Response({**broken, **unstored, "valid": True})
    page.reload()
    page.get_by_role("radio", name="Edit").check()
    main = page.get_by_role("main")
    expect(main).to_contain_text(f"The stage serves {packaged}, which is not stored as a version")
    expect(page.get_by_label("Routing prompt")).to_have_count(0)
