"""The page's own words for what the API says to its callers, and for a stage that is down."""

from typing import Any

from tests.support.browser import expect
from tests.support.console_answers import HAND_WRITTEN, RUN, RUNS, Answer, prompt, run_detail
from tests.support.consoles import Consoles
from tests.support.fake_api import FakeApi, Response, refused

STALE = "Nothing was changed. Merge that version, and send it with 'base_version': 2."


def abort(call: Any) -> None:
    call.abort()


def test_a_view_that_is_opened_while_the_stage_is_down_works_when_it_is_back(
    consoles: Consoles,
) -> None:
    page = consoles.faked(FakeApi(), "playground").page
    draft = page.get_by_label("Text of message 1")
    draft.fill("a draft")
    page.route("**/*", abort)
    main = page.get_by_role("main")
    for view, failed, content in (("Learning", 2, "Budget left"), ("Decisions", 1, "120 requests")):
        page.get_by_role("link", name=view, exact=True).click()
        alerts = main.get_by_role("alert").filter(has_text="The stage did not answer")
        expect(alerts).to_have_count(failed)
        page.unroute("**/*", abort)
        for left in range(failed, 0, -1):
            main.get_by_role("button", name="Try again").first.click()
            expect(alerts).to_have_count(left - 1)
        expect(main).to_contain_text(content)
        page.route("**/*", abort)
    page.get_by_role("link", name="Playground", exact=True).click()
    expect(draft).to_have_value("a draft")


def test_the_switches_mention_their_buttons(consoles: Consoles) -> None:
    panel = consoles.faked(FakeApi(), "access").page.get_by_role("region", name="Switches")
    expect(panel).to_contain_text("Off: routing decides.")
    expect(panel).not_to_contain_text("null")


def test_the_refusal_of_an_edit_of_a_replaced_version_says_what_the_page_can_do(
    consoles: Consoles,
) -> None:
    api = FakeApi(
        answers={
            "GET /v1/prompt": Response(prompt(1, HAND_WRITTEN, 30.0, "ann", live=1)),
            "POST /v1/prompt": refused(409, "prompt_changed", STALE),
        }
    )
    page = consoles.faked(api, "prompt?tab=edit").page
    page.get_by_label("Routing prompt").press("Control+End")
    page.get_by_label("Routing prompt").press_sequentially("!")
    live = Response(prompt(2, HAND_WRITTEN, 1.0, "ann", live=2))
    api.answers["GET /v1/prompt"] = live
    page.get_by_role("button", name="Check").click()
    keep = page.get_by_role("button", name="Keep my text, replace version 2")
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(page.get_by_role("main")).not_to_contain_text("base_version")
    keep.click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_label("Routing prompt")).to_have_value(f"{HAND_WRITTEN}!")


def test_a_refused_rollback_says_what_the_page_can_do(consoles: Consoles) -> None:
    api = FakeApi(answers={"POST /v1/prompt/rollback": refused(409, "prompt_changed", STALE)})
    page = consoles.faked(api, "prompt?tab=versions").page
    page.get_by_role("button", name="Roll back to version").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("Another version went live in the meantime")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("base_version")


def test_a_run_s_message_keeps_its_lines_and_names_no_address_of_a_bucket(
    consoles: Consoles,
) -> None:
    lines = ("It is live.", "Quality: 96%", "Report: s3://bucket/runs/a/report.html")
    told: Answer = {**RUNS[1], "message": "\n".join(lines)}
    api = FakeApi(answers={f"GET /v1/runs/{RUN}": Response(run_detail(told))})
    page = consoles.faked(api, f"learning?run={RUN}").page
    panel = page.get_by_role("dialog", name=f"Run {RUN}")
    expect(panel.get_by_text("It is live.")).to_have_text("It is live.\nQuality: 96%")
    expect(panel).not_to_contain_text("s3://")
    box = panel.get_by_text("It is live.").bounding_box()
    assert box is not None
    assert box["height"] > 30, "two lines"


def test_the_audit_trail_names_keys(consoles: Consoles) -> None:
    audit: Answer = {
        "object": "list",
        "cursor": None,
        "data": [
            {
                "at": "2026-11-30T10:00:00+00:00",
                "by": "key:key_7b1f20c4",
                "what": "keys",
                "action": "change",
                "subject": "key_7b1f20c4",
                "before": None,
                "after": None,
                "confirmed": True,
            }
        ],
    }
    page = consoles.faked(FakeApi(answers={"GET /v1/audit": Response(audit)}), "access").page
    trail = page.get_by_role("region", name="Audit trail")
    expect(trail).to_contain_text("keys: change search (key_7b1f20c4)")
    expect(trail).to_contain_text("key:search (key_7b1f20c4)")
