"""Switches on made-up answers: what a change is answered with, and unreadable ones."""

from tests.support.browser import Page, expect
from tests.support.console_answers import WAITING, switches
from tests.support.consoles import Consoles
from tests.support.fake_api import EMPTY, FakeApi, Response, refused

RESET = "The switches stored before could not be read, so all others have their defaults now."


def rewritten(page: Page) -> None:
    panel = page.get_by_role("region", name="Switches")
    expect(panel.get_by_role("status").filter(has_text=RESET)).to_be_visible()


def test_the_note_of_a_change_is_shown_in_full(consoles: Consoles) -> None:
    call = "PATCH /v1/switches"
    note = f"{RESET} Warm processes read a switch again within a minute."
    api = FakeApi(answers={call: Response({**switches(), "routing": "off", "note": note})})
    console = consoles.faked(api, "access")
    page = console.page
    page.get_by_role("group", name="Routing").get_by_role("radio", name="Off").click()
    page.get_by_role("button", name="Set routing to Off").click()
    expect(page.get_by_text(note)).to_be_visible()
    rewritten(page)
    assert api.bodies(call) == [{"routing": "off"}]
    assert console.axe() == []


def test_learning_asks_before_it_ends_an_active_run(consoles: Consoles) -> None:
    call = "PATCH /v1/switches"
    api = FakeApi(answers={call: Response({**switches(), "learning": "off"})})
    page = consoles.faked(api, "access").page
    off = page.get_by_role("group", name="Learning").get_by_role("radio", name="Off")
    off.click()
    dialog = page.get_by_role("dialog", name="Learning: On to Off?")
    expect(dialog).to_contain_text(f"Run {WAITING} is active. It ends without promoting a prompt")
    dialog.get_by_role("button", name="Cancel").click()
    assert api.bodies(call) == []
    api.answers["GET /v1/runs"] = Response(EMPTY)
    off.click()
    expect(page.get_by_text("Learning: Off.")).to_be_visible()
    assert api.bodies(call) == [{"learning": "off"}]


def test_unreadable_switches_can_be_rewritten(consoles: Consoles) -> None:
    told = "The stored switches cannot be read: somebody wrote them by hand."
    call = "PATCH /v1/switches"
    api = FakeApi(
        answers={
            "GET /v1/switches": refused(409, "switches_unreadable", told),
            call: Response({**switches(), "note": f"{RESET} {switches()['note']}"}),
        }
    )
    page = consoles.faked(api, "access").page
    expect(page.get_by_role("alert")).to_contain_text(told)
    page.get_by_role("button", name="Rewrite all switches").click()
    dialog = page.get_by_role("dialog", name="Rewrite all switches?")
    dialog.get_by_role("button", name="Cancel").click()
    assert api.bodies(call) == []
    page.get_by_role("button", name="Rewrite all switches").click()
    api.answers.pop("GET /v1/switches")
    dialog.get_by_role("button", name="Rewrite all switches").click()
    rewritten(page)
    assert api.bodies(call) == [{"routing": "on"}]
