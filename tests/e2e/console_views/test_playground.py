"""The playground on made-up answers: what is typed, stopped and refused before it is sent."""

import json
from typing import Any

from tests.support.browser import expect
from tests.support.console_traffic import route
from tests.support.console_world import QUERIES
from tests.support.consoles import Consoles
from tests.support.fake_api import FakeApi, Response, refused


def write(page: Any, text: str) -> None:
    page.get_by_label("Text of message 1").fill(text)


def test_a_run_is_stopped_while_it_waits(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(held=True), "playground").page
    write(page, QUERIES[0])
    page.get_by_role("button", name="Run", exact=True).click()
    waiting = page.get_by_role("article", name="Run: Routed")
    expect(waiting).to_contain_text("Waiting…")
    waiting.get_by_role("button", name="Stop").click()
    expect(waiting).to_contain_text("Stopped")
    expect(waiting.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_pasted_conversation_replaces_the_one_in_the_editor(consoles: Consoles) -> None:
    console = consoles.faked(FakeApi(), "playground")
    page = console.page
    page.get_by_role("button", name="Paste…").click()
    dialog = page.get_by_role("dialog", name="Paste a conversation")
    dialog.get_by_label("Conversation", exact=True).fill("[]")
    dialog.get_by_role("button", name="Use it").click()
    expect(dialog.get_by_label("Conversation", exact=True)).to_have_attribute(
        "aria-invalid", "true"
    )
    assert console.axe() == []
    roles = ("system", "user")
    pasted = [{"role": role, "content": f"Of the {role}."} for role in roles]
    dialog.get_by_label("Conversation", exact=True).fill(json.dumps({"messages": pasted}))
    dialog.get_by_role("button", name="Use it").click()
    expect(dialog).to_have_count(0)
    for number, role in enumerate(roles, 1):
        expect(page.get_by_label(f"Role of message {number}")).to_have_value(role)
        expect(page.get_by_label(f"Text of message {number}")).to_have_value(f"Of the {role}.")


def test_clicks_while_a_run_is_under_way_send_nothing(consoles: Consoles) -> None:
    api = FakeApi(held=True)
    page = consoles.faked(api, "playground").page
    write(page, QUERIES[0])
    page.get_by_role("button", name="Run", exact=True).click(click_count=5)
    for name in ("Run", "Compare", "Decide only"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    assert len(api.bodies("POST /v1/chat/completions")) == 1
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()


def test_a_wrong_number_of_tokens_is_said_and_not_sent(consoles: Consoles) -> None:
    api = FakeApi(answers={"GET /v1/models": refused(503, "service_unavailable", "Away.")})
    page = consoles.faked(api, "playground").page
    expect(page.get_by_text("The other models could not be read.")).to_be_visible()
    write(page, QUERIES[0])
    field = page.get_by_label("Max output tokens")
    for wrong in ("0", "-5", "abc", "1.5"):
        field.fill(wrong)
        expect(field).to_have_value(wrong)
        expect(field).to_have_attribute("aria-invalid", "true")
        for name in ("Run", "Compare", "Decide only"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
        field.fill("20")
        expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()


def test_a_decision_says_the_session_rule_how_sure_it_is_and_its_evidence(
    consoles: Consoles,
) -> None:
    api = FakeApi(answers={"POST /v1/route": Response(route())})
    page = consoles.faked(api, "playground").page
    write(page, QUERIES[0])
    page.get_by_role("button", name="Decide only").click()
    decision = page.get_by_role("article", name="Decision")
    for told in (
        "new: this is the first message, so nothing is kept yet",
        "Clear: Tier 3 leads Tier 2 by 0.217",
        "Without that text, it would be Tier 2.",
        "Criterion 3 of Tier 3 is the strongest evidence",
        "any question of tax, law or medicine",
    ):
        expect(decision).to_contain_text(told)


def answering(page: Any, *events: str) -> None:
    """Answer runs with a stream of these events."""
    page.route(
        "**/v1/chat/completions",
        lambda call: call.fulfill(
            headers={"content-type": "text/event-stream", "x-request-id": "req-1"},
            body="".join(f"data: {each}\n\n" for each in events),
        ),
    )


CHUNK = json.dumps({"choices": [{"delta": {"content": "At ten."}, "finish_reason": "stop"}]})


def test_an_answer_that_is_cut_off_is_not_taken_for_a_whole_one(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "playground").page
    answering(page, CHUNK)
    write(page, QUERIES[0])
    page.get_by_role("button", name="Run", exact=True).click()
    answer = page.get_by_role("article", name="Run: Routed")
    expect(answer.get_by_role("alert")).to_contain_text("Incomplete answer")
    expect(answer.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(answer).to_contain_text("At ten.")
    expect(answer).not_to_contain_text("Done")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    answer.get_by_role("button", name="Copy answer").click()
    expect(answer.get_by_role("button", name="Select and copy it")).to_be_visible()


def test_a_thumb_stays_while_the_reader_looks_at_another_view(consoles: Consoles) -> None:
    api = FakeApi(answers={"POST /v1/feedback": Response({"object": "feedback"})})
    page = consoles.faked(api, "playground").page
    answering(page, CHUNK, "[DONE]")
    write(page, QUERIES[0])
    page.get_by_role("button", name="Run", exact=True).click()
    good = page.get_by_role("button", name="Good", exact=True)
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    page.evaluate("location.hash = '#/learning'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Learning")
    page.evaluate("location.hash = '#/playground'")
    expect(good).to_have_attribute("aria-pressed", "true")
