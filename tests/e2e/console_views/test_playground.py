"""The playground on made-up answers: what is written, sent, streamed, stopped and refused."""

import json
from typing import Any

from tests.support.browser import expect
from tests.support.console_answers import MODELS, Answer
from tests.support.console_decisions import route, route_by_comparison, route_by_local_model
from tests.support.console_states import COMPLETIONS, answer_of
from tests.support.console_traffic import record
from tests.support.console_world import QUERIES
from tests.support.consoles import Consoles
from tests.support.fake_api import Cut, FakeApi, Response, Streamed, refused

REST_MS = 1_000
"""After a click, the page sends nothing for this long."""
RECORD_MS = 4_000
"""The page looks for the cost of a stopped answer after so long."""


def write(page: Any, text: str) -> None:
    page.get_by_label("Text of message 1").fill(text)


def streamed() -> Streamed:
    """An answer that the test sends piece by piece."""
    return Streamed(
        {
            "x-request-id": "req-1",
            "x-route-tier": "2",
            "x-route-reason": "router",
            "x-route-model": MODELS[1],
        }
    )


def test_a_conversation_is_written_and_shown_as_the_code_that_sends_it(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "playground").page
    for number, (role, text) in enumerate((("system", "Be brief."), ("user", "A joke?")), 1):
        page.get_by_label(f"Role of message {number}").select_option(role)
        page.get_by_label(f"Text of message {number}").fill(text)
        page.get_by_role("button", name="Add a message").click()
    expect(page.get_by_label("Role of message 3")).to_have_value("assistant")
    page.get_by_role("button", name="Remove message 3").click()
    expect(page.get_by_label("Text of message 3")).to_have_count(0)
    page.get_by_label("Model", exact=True).select_option("tier-2")
    page.get_by_label("Profile").select_option(label="Cost")
    page.get_by_label("Max output tokens").fill("50")
    session = page.get_by_label("Session id")
    session.fill("chät")
    expect(session).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    session.fill("chat-7")
    page.get_by_text("The same request as code").click()
    for language, key in (
        ("curl", "$ROUTE_SWITCH_API_KEY"),
        ("Python", 'os.environ["ROUTE_SWITCH_API_KEY"]'),
        ("JavaScript", "process.env.ROUTE_SWITCH_API_KEY"),
    ):
        page.get_by_role("radio", name=language, exact=True).check()
        code = page.get_by_role("region", name=f"The request in {language.lower()}")
        for part in (key, "tier-2", "Be brief.", "A joke?", "cost", "50", "chat-7"):
            expect(code).to_contain_text(part)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.get_by_label("Text of message 1")).to_have_value("")
    expect(page.get_by_label("Text of message 2")).to_have_count(0)


def test_an_answer_appears_as_it_arrives_and_is_copied_and_rated(consoles: Consoles) -> None:
    answer = streamed()
    rated = "POST /v1/feedback"
    api = FakeApi(answers={COMPLETIONS: answer, rated: Response({"object": "feedback"})})
    page = consoles.faked(api, "playground").page
    write(page, QUERIES[0])
    page.get_by_label("Profile").select_option(label="Quality")
    page.get_by_label("Session id").fill("chat-7")
    page.get_by_role("button", name="Run", exact=True).click()
    run = page.get_by_role("article", name="Run: Routed")
    text = run.get_by_role("region", name="Answer of run")
    for piece, so_far in (("At ", "At"), ("ten.", "At ten.")):
        answer.say(piece)
        expect(text).to_have_text(so_far)
        expect(run.get_by_role("status").first).to_have_text("Streaming…")
    expect(run.get_by_role("button", name="Copy answer")).to_have_count(0)
    answer.end(cost_usd=0.0123, saved_usd=0.002)
    expect(run).to_contain_text("Done")
    expect(run).to_contain_text("$0.0123")
    (body,), headers = api.bodies(COMPLETIONS), api.headers[-1]
    assert body["route_switch"] == {"profile": "quality"}
    assert headers["x-session-id"] == "chat-7"

    run.get_by_role("button", name="Copy answer").click()
    expect(run.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "At ten."
    bad = run.get_by_role("button", name="Bad")
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    page.evaluate("location.hash = '#/learning'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Learning")
    page.evaluate("location.hash = '#/playground'")
    expect(bad).to_have_attribute("aria-pressed", "true")
    assert api.bodies(rated) == [{"request_id": "req-1", "thumb": "down"}]


def test_what_had_arrived_of_an_answer_stays_when_it_ends_early(consoles: Consoles) -> None:
    stopped, cut, failed = streamed(), streamed(), streamed()
    api = FakeApi()
    api.answers["GET /v1/results/req-1"] = Response(
        {**record("req-1", api.rows), "cost_usd": 0.0456, "saved_usd": None}
    )
    page = consoles.faked(api, "playground", has_timers=True).page
    write(page, QUERIES[0])

    def begin(answer: Streamed) -> Any:
        api.answers[COMPLETIONS] = answer
        page.clock.run_for(REST_MS)
        page.get_by_role("button", name="Run", exact=True).click()
        run = page.get_by_role("article", name="Run: Routed").first
        answer.say("It is ")
        expect(run.get_by_role("region", name="Answer of run")).to_have_text("It is")
        return run

    run = begin(stopped)
    run.get_by_role("button", name="Stop").click()
    expect(run).to_contain_text("Stopped")
    expect(run).to_be_focused()
    expect(run).not_to_contain_text("$0.0456")
    page.clock.run_for(RECORD_MS)
    expect(run).to_contain_text("$0.0456")
    expect(run).to_contain_text("It is")
    stopped.pieces.put(None)

    run = begin(cut)
    cut.pieces.put(Cut())
    expect(run.get_by_role("alert")).to_contain_text("Incomplete answer")
    expect(run.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(run).to_contain_text("It is")

    run = begin(failed)
    failed.fail("model_failed", "The model broke off.")
    expect(run.get_by_role("alert")).to_contain_text("Incomplete answer")
    expect(run.get_by_role("alert")).to_contain_text("The model broke off.")

    told = "This key may send 120 requests a minute."
    limited = refused(429, "rate_limit_exceeded", told, {"retry-after": "7"})
    api.answers[COMPLETIONS] = limited
    page.clock.run_for(REST_MS)
    page.get_by_role("button", name="Run", exact=True).click()
    alert = page.get_by_role("article", name="Run: Routed").first.get_by_role("alert")
    for part in ("No answer", told, "try again in 7 s"):
        expect(alert).to_contain_text(part)


def test_two_tiers_of_the_reader_s_choice_answer_side_by_side(consoles: Consoles) -> None:
    api = FakeApi(answers={COMPLETIONS: lambda body: answer_of("tier-1")})
    page = consoles.faked(api, "playground").page
    write(page, QUERIES[0])
    page.get_by_label("Tiers to compare").select_option(label="Tiers 2 and 3")
    page.get_by_role("button", name="Compare").click()
    for tier in (2, 3):
        expect(page.get_by_role("article", name=f"Run: Tier {tier}")).to_contain_text("Done")
    assert sorted(body["model"] for body in api.bodies(COMPLETIONS)) == ["tier-2", "tier-3"]


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
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    assert len(api.bodies(COMPLETIONS)) == 1


def test_a_wrong_number_of_tokens_is_reported_and_not_sent(consoles: Consoles) -> None:
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


SCORES = {"1": 0.118, "2": 0.297, "3": 0.514}
DECISIONS: tuple[tuple[Answer, tuple[str, ...], dict[str, float]], ...] = (
    (
        route(),
        (
            "Criterion 3 of Tier 3 is the strongest evidence",
            "any question of tax, law or medicine",
            "Without that text, it would be Tier 2.",
            "Cost of the explanation",
        ),
        {},
    ),
    (
        route_by_comparison(),
        (
            "Criterion 3 of Tier 3 is the strongest evidence",
            "Clear: Tier 3 leads Tier 2 by 0.217",
        ),
        SCORES,
    ),
    (route_by_local_model(), ("chance 98%", "was not"), {"1": 0.41, "2": 0.656, "3": 0.78}),
)
"""As the product decides: what the page says of it, and the scores that it draws."""


def test_a_decision_says_its_session_rule_its_evidence_and_how_sure_it_is(
    consoles: Consoles,
) -> None:
    api = FakeApi()
    page = consoles.faked(api, "playground", has_timers=True).page
    write(page, QUERIES[0])
    decision = page.get_by_role("article", name="Decision")
    for answer, told, scores in DECISIONS:
        api.answers["POST /v1/route"] = Response(answer)
        page.clock.run_for(REST_MS)
        page.get_by_role("button", name="Decide only").click()
        for part in ("new: this is the first message", *told):
            expect(decision).to_contain_text(part)
        assert scores_of(decision) == scores


def scores_of(decision: Any) -> dict[str, float]:
    meters = decision.get_by_role("meter").evaluate_all(
        "all => all.map(each => [each.ariaLabel, each.getAttribute('aria-valuenow')])"
    )
    return {name.removeprefix("Score of Tier "): float(value) for name, value in meters}


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
