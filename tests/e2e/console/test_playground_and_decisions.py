"""A request from the playground to its record, on the real stack."""

from typing import Any

import pytest

from tests.support.browser import Watched, expect
from tests.support.console_world import ANSWER, PLANTED, QUERIES, ConsoleWorld
from tests.support.consoles import Consoles

pytestmark = pytest.mark.usefixtures("started_run")  # for test_the_learning_run.py
SAID = "".join(ANSWER)


@pytest.fixture
def playground(consoles: Consoles, world: ConsoleWorld) -> Watched:
    return consoles.signed_in(world.stack.admin_key, "playground")


def write(page: Any, text: str) -> None:
    page.get_by_label("Text of message 1").fill(text)


def test_a_query_is_decided_run_rated_and_found_among_the_decisions(
    playground: Watched, world: ConsoleWorld
) -> None:
    page = playground.page
    write(page, QUERIES[2])
    page.get_by_role("button", name="Decide only").click()
    decision = page.get_by_role("article", name="Decision")
    expect(decision).to_contain_text("Tier 3")
    expect(decision).to_contain_text("Estimated cost")
    page.get_by_role("button", name="Run", exact=True).click()
    answered = page.get_by_role("article", name="Run: Routed")
    expect(answered).to_contain_text(SAID)
    answered.get_by_role("button", name="Good").click()
    expect(answered.get_by_role("button", name="Good")).to_have_attribute("aria-pressed", "true")
    assert playground.axe() == []
    page.get_by_text("The same request as code").click()
    expect(page.get_by_role("region", name="The request in curl")).to_contain_text("curl")
    assert world.stack.admin_key not in page.content()

    answered.get_by_role("link", name="open").click()
    record = page.get_by_role("dialog", name="Request")
    expect(record).to_contain_text(QUERIES[2])
    expect(record).to_contain_text("x-route-tier: 3")
    expect(record).to_contain_text("up")
    assert playground.axe() == []
    record.get_by_role("button", name="Delete this request").click()
    sure = page.get_by_role("dialog", name="Delete this request?")
    sure.get_by_role("button", name="Cancel").click()
    expect(record).to_contain_text(QUERIES[2])
    record.get_by_role("button", name="Delete this request").click()
    sure.get_by_role("button", name="Delete", exact=True).click()
    expect(record).to_have_count(0)


def test_two_tiers_answer_side_by_side(playground: Watched) -> None:
    page = playground.page
    write(page, QUERIES[0])
    page.get_by_role("button", name="Compare").click()
    for tier in ("Tier 1", "Tier 3"):
        expect(page.get_by_role("article", name=f"Run: {tier}")).to_contain_text(SAID)


def test_an_answer_continues_the_conversation(playground: Watched) -> None:
    page = playground.page
    write(page, QUERIES[0])
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name="Continue the conversation").click()
    expect(page.get_by_label("Role of message 2")).to_have_value("assistant")
    expect(page.get_by_label("Text of message 2")).to_have_value(SAID)
    expect(page.get_by_label("Text of message 3")).to_have_value("")


def test_the_caps_of_a_key_hold_and_are_said_in_the_words_of_the_page(
    consoles: Consoles, world: ConsoleWorld
) -> None:
    key = world.new_key("poor", monthly_budget_usd=0.000001)
    page = consoles.signed_in(key, role="client").page
    write(page, QUERIES[1])
    page.get_by_role("button", name="Run", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("insufficient_quota")
    expect(alert).to_contain_text("No answer")
    expect(alert).to_contain_text("Lower “Max output tokens”")
    expect(alert).not_to_contain_text("max_tokens")


def test_markup_in_query_answer_and_user_shows_as_text(
    consoles: Consoles, world: ConsoleWorld
) -> None:
    request_id = world.ask(QUERIES[3])
    page = consoles.signed_in(world.stack.admin_key, f"decisions?id={request_id}").page
    record = page.get_by_role("dialog", name="Request")
    expect(record.get_by_role("region", name="Query")).to_contain_text(PLANTED)
    expect(record).to_contain_text(PLANTED)
    assert page.locator("main img[src='x'], dialog img").count() == 0


def test_a_result_says_which_text_it_is_of_and_a_view_keeps_it(
    consoles: Consoles, world: ConsoleWorld
) -> None:
    console = consoles.signed_in(world.stack.admin_key, "playground")
    page = console.page
    write(page, QUERIES[0])
    page.get_by_role("button", name="Decide only").click()
    decision = page.get_by_role("article", name="Decision")
    expect(decision).to_contain_text(QUERIES[0])
    expect(decision).not_to_contain_text("of an earlier text")
    page.get_by_role("button", name="Run", exact=True).click()
    answered = page.get_by_role("article", name="Run: Routed")
    expect(answered).to_contain_text(SAID)
    write(page, QUERIES[1])
    for result in (decision, answered):
        expect(result).to_contain_text(QUERIES[0])
        expect(result).to_contain_text("of an earlier text")
    page.get_by_role("link", name="Learning").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Learning")
    page.go_back()
    expect(page.get_by_label("Text of message 1")).to_have_value(QUERIES[1])
    expect(answered).to_contain_text(SAID)
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => location.reload())")
    expect(answered).to_contain_text(SAID)
    assert console.warned == 1
    page.get_by_role("button", name="Forget key").click()
    page.get_by_role("button", name="Forget key and texts").click()
    console_key = world.stack.admin_key
    page.get_by_label("API key").fill(f"Bearer {console_key}")
    page.get_by_role("button", name="Open the console").click()
    expect(page.get_by_label("Text of message 1")).to_have_value("")
    expect(answered).to_have_count(0)
