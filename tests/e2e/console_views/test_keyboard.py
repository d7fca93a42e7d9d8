"""Every action with the keyboard alone: it is reached, its focus is seen, and nothing traps or
loses the focus."""

from tests.support.assistive import focused, hears, listen, press_until, stays_in_dialog
from tests.support.browser import Page, expect
from tests.support.console_answers import KEYS, RUNS, WAITING, Answer, key, published, switches
from tests.support.console_decisions import route
from tests.support.console_traffic import rows
from tests.support.consoles import Consoles
from tests.support.fake_api import FakeApi, Response


def opened(consoles: Consoles, api: FakeApi, view: str, shown: str) -> Page:
    page = consoles.faked(api, view).page
    expect(page.get_by_role("main")).to_contain_text(shown)
    page.get_by_role("main").focus()
    return page


def test_a_key_is_made_copied_changed_and_revoked(consoles: Consoles) -> None:
    made: Answer = {**key(KEYS[0]), "key": "rs-new", "name": "bot", "warnings": []}
    changed: Answer = {**key(KEYS[0]), "warnings": []}
    api = FakeApi(
        answers={
            "POST /v1/keys": Response(made, 201),
            f"PATCH /v1/keys/{KEYS[0][0]}": Response(changed),
            f"DELETE /v1/keys/{KEYS[0][0]}": Response(changed),
        }
    )
    page = opened(consoles, api, "access", "support-bot")
    press_until(page, "Create a key…")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    assert stays_in_dialog(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Create a key…")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("bot")
    page.keyboard.press("Enter")
    press_until(page, "Copy")
    page.keyboard.press("Enter")
    press_until(page, "I have copied it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert api.bodies("POST /v1/keys")[0]["name"] == "bot"

    page.get_by_role("main").focus()
    press_until(page, "Change search")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    press_until(page, "Requests per minute")
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Change search")).to_be_focused()
    press_until(page, "Revoke search")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Type the key's name")).to_be_focused()
    page.keyboard.type("search")
    page.keyboard.press("Enter")
    expect(page.get_by_text("search is revoked.")).to_be_visible()
    assert len(api.bodies(f"DELETE /v1/keys/{KEYS[0][0]}")) == 1


def test_a_switch_is_changed_and_a_question_gives_the_focus_back(consoles: Consoles) -> None:
    call = "PATCH /v1/switches"
    api = FakeApi(answers={call: Response({**switches(), "routing": "shadow"})})
    page = opened(consoles, api, "access", "Pin a tier")
    press_until(page, "On")
    page.keyboard.press("ArrowRight")
    dialog = page.get_by_role("dialog", name="Routing: On to Shadow?")
    expect(dialog).to_be_visible()
    assert stays_in_dialog(page, 8)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    routing = page.get_by_role("group", name="Routing")
    expect(routing.get_by_role("radio", name="On")).to_be_checked()
    expect(routing.get_by_role("radio", name="On")).to_be_focused()
    assert api.bodies(call) == []
    page.keyboard.press("ArrowRight")
    expect(dialog).to_be_visible()
    press_until(page, "Set routing to Shadow")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Routing: Shadow.")).to_be_visible()
    assert api.bodies(call) == [{"routing": "shadow"}]


def test_a_run_is_opened_and_approved_and_its_message_can_be_closed(consoles: Consoles) -> None:
    call = f"POST /v1/runs/{WAITING}/approve"
    api = FakeApi(answers={call: Response(RUNS[0])})
    page = opened(consoles, api, "learning", WAITING)
    press_until(page, WAITING)
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name=f"Run {WAITING}")
    expect(panel).to_contain_text("Verdict")
    press_until(page, "Approve…")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Approve run")).to_be_visible()
    press_until(page, "Approve the candidate")
    page.keyboard.press("Enter")
    expect(panel.get_by_text("is approved.")).to_be_visible()
    assert api.bodies(call) == [{}]
    press_until(page, "Close message", key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(panel.get_by_text("is approved.")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name=WAITING)).to_be_focused()


def test_a_prompt_is_edited_checked_published_and_rolled_back(consoles: Consoles) -> None:
    api = FakeApi(
        answers={
            "POST /v1/prompt": Response(published(None)),
            "POST /v1/prompt/rollback": Response({**published(4), "content_of": 2}),
        }
    )
    page = opened(consoles, api, "prompt", "Version 3")
    press_until(page, "Compare")
    page.keyboard.press("ArrowRight")
    press_until(page, "Routing prompt")
    page.keyboard.press("Control+End")
    page.keyboard.type("- a haiku")
    press_until(page, "Check")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The prompt can be published.")).to_be_visible()
    press_until(page, "Publish…")
    api.answers["POST /v1/prompt"] = Response(published(4))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    press_until(page, "Publish version 4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 4 is live.")).to_be_visible()
    press_until(page, "Edit", key="Shift+Tab")
    page.keyboard.press("ArrowRight")
    press_until(page, "Roll back to version 2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    press_until(page, "Roll back to version 2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("with the content of version 2")).to_be_visible()


def test_a_conversation_is_written_and_decided(consoles: Consoles) -> None:
    api = FakeApi(answers={"POST /v1/route": Response(route())})
    page = opened(consoles, api, "playground", "Nothing tried yet")
    press_until(page, "Text of message 1")
    page.keyboard.type("Is a gift taxable?")
    press_until(page, "Decide only")
    listen(page)
    page.keyboard.press("Enter")
    hears(page, "Decided: Tier 3, by router.")
    expect(page.get_by_role("article", name="Decision")).to_contain_text("Tier 3")
    assert focused(page) == "Decide only"


def test_a_request_is_opened_and_deleted_and_the_focus_stays_in_the_view(
    consoles: Consoles,
) -> None:
    request_id = str(rows(1)[0]["request_id"])
    gone: Answer = {"pending": [], "remains": []}
    api = FakeApi(answers={f"DELETE /v1/results/{request_id}": Response(gone)})
    page = opened(consoles, api, "decisions", "router")
    page.locator("tr[data-row='0']").focus()
    page.keyboard.press("Enter")
    record = page.get_by_role("dialog", name="Request")
    expect(record).to_contain_text(request_id)
    assert stays_in_dialog(page, 12)
    press_until(page, "Delete this request")
    page.keyboard.press("Enter")
    sure = page.get_by_role("dialog", name="Delete this request?")
    expect(sure).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Delete this request")).to_be_focused()
    page.keyboard.press("Enter")
    expect(sure).to_be_visible()
    press_until(page, "Delete")
    page.keyboard.press("Enter")
    expect(record).to_have_count(0)
    expect(page.get_by_text("Deleted.")).to_be_visible()
    expect(page.get_by_role("main")).to_be_focused()
