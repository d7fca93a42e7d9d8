"""A learning run on the stack: seen, answered by a person, and started, all in the browser."""

from tests.support.browser import expect
from tests.support.console_world import ConsoleWorld
from tests.support.consoles import Consoles
from tests.support.scripted_models import CRITERION

PROMOTION_MS = 120_000
"""Until an approved prompt is live. A busy machine needs a part of it."""


def test_a_waiting_run_shows_its_figures_and_goes_live_when_a_person_approves_it(
    consoles: Consoles, world: ConsoleWorld, started_run: str
) -> None:
    world.wait_for(started_run, "waits_for_approval")
    before = world.live_number
    console = consoles.signed_in(world.stack.admin_key, "learning")
    page = console.page
    row = page.get_by_role("row").filter(has_text=started_run)
    expect(row).to_contain_text("waits for approval")
    row.get_by_role("link").click()
    panel = page.get_by_role("dialog", name=f"Run {started_run}")
    expect(panel).to_contain_text("Verdict")
    expect(panel.get_by_role("img", name="Cost and quality")).to_be_visible()
    expect(panel.locator("ins").filter(has_text=CRITERION).first).to_be_visible()
    assert console.axe() == []

    panel.get_by_role("button", name="Approve").click()
    sure = page.get_by_role("dialog", name=f"Approve run {started_run}?")
    sure.get_by_role("button", name="Cancel").click()
    assert world.live_number == before
    panel.get_by_role("button", name="Approve").click()
    sure.get_by_role("button", name="Approve the candidate").click()
    expect(panel).to_contain_text("promoted", timeout=PROMOTION_MS)
    assert world.live_number == before + 1
    assert CRITERION in world.live["document"]

    with page.expect_download() as download:
        panel.get_by_role("button", name="Download the report").click()
    assert started_run in download.value.suggested_filename
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Prompt").click()
    expect(page.get_by_text(f"Version {before + 1}", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=started_run)).to_be_visible()


def test_a_run_is_started_after_a_question_that_names_the_money(
    consoles: Consoles, world: ConsoleWorld
) -> None:
    page = consoles.signed_in(world.stack.admin_key, "learning").page
    known = {each["run"] for each in world.call("GET", "/v1/runs")["data"]}
    page.get_by_role("button", name="Start a run").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("month's cap")
    dialog.get_by_role("button", name="Cancel").click()
    assert {each["run"] for each in world.call("GET", "/v1/runs")["data"]} == known
    page.get_by_role("button", name="Start a run").click()
    dialog.get_by_role("button", name="Start the run").click()
    expect(page.get_by_text("started.")).to_be_visible()
    world.stop_runs()
