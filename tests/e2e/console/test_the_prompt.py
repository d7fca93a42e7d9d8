"""The prompt, edited and rolled back in the browser and read back through the API."""

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompt_document import to_markdown
from tests.support.browser import Watched, expect
from tests.support.console_world import PLANTED, QUERIES, ConsoleWorld
from tests.support.consoles import Consoles

HAND_WRITTEN = to_markdown(packaged_prompt())
CRITERION = "a greeting, thanks, small talk or a closing remark"
EDITED = HAND_WRITTEN.replace(CRITERION, "a greeting, thanks, chatter or a closing remark")


@pytest.fixture
def editor(consoles: Consoles, world: ConsoleWorld) -> Watched:
    """The editor, on a stage whose live prompt is the hand-written one."""
    live = world.live
    if live["document"] != HAND_WRITTEN:
        world.publish(HAND_WRITTEN)
    console = consoles.signed_in(world.stack.admin_key, "prompt?tab=edit")
    expect(console.page.get_by_label("Routing prompt")).to_have_value(HAND_WRITTEN)
    return console


def test_a_broken_edit_is_refused_in_the_words_of_prompt_push(
    editor: Watched, world: ConsoleWorld
) -> None:
    page, before = editor.page, world.live
    page.get_by_label("Routing prompt").fill("Send everything to Tier 1.")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("prompt is broken")
    assert editor.axe() == []
    expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    page.get_by_label("Routing prompt").fill("Send everything to Tier 2.")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert")).to_contain_text("This text cannot be published")
    expect(page.get_by_role("alert")).to_contain_text("prompt is broken")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert world.live == before
    page.get_by_role("button", name="Discard edit").click()
    expect(page.get_by_label("Routing prompt")).to_have_value(HAND_WRITTEN)


def test_an_edit_is_checked_compared_previewed_published_and_rolled_back(
    editor: Watched, world: ConsoleWorld
) -> None:
    page, number = editor.page, world.live_number
    for query in QUERIES:
        world.ask(query)
    page.get_by_label("Routing prompt").fill(EDITED)
    expect(page.locator("ins")).to_contain_text("chatter")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("The prompt can be published.")).to_be_visible()
    assert world.live_number == number

    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Would move")).to_be_visible()
    assert editor.axe() == []

    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"replaces version {number} and becomes version {number + 1}")
    dialog.get_by_role("button", name="Cancel").click()
    assert world.live_number == number
    page.get_by_role("button", name="Publish").click()
    dialog.get_by_role("button", name=f"Publish version {number + 1}").click()
    expect(page.get_by_text(f"Version {number + 1} is live.")).to_be_visible()
    assert world.live["document"] == EDITED

    page.get_by_role("radio", name="Compare").click()
    expect(page.locator("del")).to_contain_text("small talk")
    page.get_by_role("radio", name="Versions").click()
    page.get_by_role("button", name=f"Roll back to version {number}").click()
    expect(dialog).to_contain_text(f"Version {number + 1} is live now")
    dialog.get_by_role("button", name="Cancel").click()
    assert world.live_number == number + 1
    page.get_by_role("button", name=f"Roll back to version {number}").click()
    dialog.get_by_role("button", name=f"Roll back to version {number}").click()
    expect(page.get_by_text(f"Version {number + 2} is live, with the content")).to_be_visible()
    assert world.live["document"] == HAND_WRITTEN


def test_an_edit_never_overwrites_a_version_that_went_live_meanwhile(
    editor: Watched, world: ConsoleWorld
) -> None:
    page, number = editor.page, world.live_number
    page.get_by_label("Routing prompt").fill(EDITED)
    others = HAND_WRITTEN.replace(CRITERION, "a greeting or thanks")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    world.publish(others)
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    took_over = page.get_by_role("alert").filter(has_text=f"Version {number + 1} went live")
    expect(took_over).to_be_visible()
    assert world.live["document"] == others
    expect(page.get_by_label("Routing prompt")).to_have_value(EDITED)
    page.get_by_role("button", name=f"Keep my text, replace version {number + 1}").click()
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("dialog").get_by_role("button", name=f"Publish version {number + 2}").click()
    expect(page.get_by_text(f"Version {number + 2} is live.")).to_be_visible()
    assert world.live["document"] == EDITED


def test_markup_in_the_prompt_shows_as_text(editor: Watched, world: ConsoleWorld) -> None:
    world.publish(HAND_WRITTEN.replace(CRITERION, f"a greeting {PLANTED}"))
    page = editor.page
    page.reload()
    expect(page.get_by_label("Routing prompt")).to_have_value(world.live["document"])
    page.get_by_role("radio", name="Compare").click()
    expect(page.locator("ins").filter(has_text="alert(1)").first).to_be_visible()
    assert page.locator("main img").count() == 0
