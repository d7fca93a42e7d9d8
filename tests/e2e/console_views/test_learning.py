"""Learning runs on made-up answers: followed, answered, started, and what is not known."""

import pytest

from tests.support.assistive import hears, listen
from tests.support.browser import PHONE, Page, expect
from tests.support.console_answers import (
    RUN,
    RUNS,
    WAITING,
    Answer,
    iso,
    learning,
    run,
    run_detail,
)
from tests.support.consoles import Consoles
from tests.support.fake_api import EMPTY, Answering, FakeApi, Response, refused

POLL_MS = 10_000


def test_a_run_that_is_under_way_is_followed(consoles: Consoles) -> None:
    under_way: Answer = {
        **run(WAITING, "under_way", None, None),
        "progress": {"trial": 3, "of": 6},
    }
    api = FakeApi(answers={"GET /v1/runs": Response({**EMPTY, "data": [under_way]})})
    page = consoles.faked(api, "learning", has_timers=True).page
    row = page.get_by_role("row").filter(has_text=WAITING)
    expect(row).to_contain_text("under way")
    expect(row).to_contain_text("trial: 3")
    api.answers["GET /v1/runs"] = Response({**EMPTY, "data": [*RUNS]})
    page.clock.run_for(POLL_MS)
    expect(row).to_contain_text("waits for approval")


def test_an_open_run_is_followed_by_the_calls_of_the_list_until_it_changes(
    consoles: Consoles,
) -> None:
    started = run(WAITING, "under_way", None, None)
    listed, detail = "GET /v1/runs", f"GET /v1/runs/{WAITING}"

    def told(which: Answer) -> dict[str, Answering]:
        return {
            listed: Response({**EMPTY, "data": [which]}),
            detail: Response(run_detail(which)),
        }

    api = FakeApi(answers=told(started))
    page = consoles.faked(api, f"learning?run={WAITING}", has_timers=True).page
    panel = page.get_by_role("dialog", name=f"Run {WAITING}")
    expect(panel).to_contain_text("under way")
    expect(panel).to_contain_text("added.")  # the last call of the panel
    before = len(api.called)
    for _ in range(6):
        with page.expect_response("**/v1/runs?*"):
            page.clock.run_for(POLL_MS)
    assert [name for name, _ in api.called[before:]] == [listed] * 6  # in a minute
    api.answers.update(told({**started, "progress": {"trial": 4}}))
    page.clock.run_for(POLL_MS)
    expect(panel).to_contain_text("trial: 4")
    api.answers.update(told(RUNS[0]))
    page.clock.run_for(POLL_MS)
    expect(panel.get_by_role("button", name="Approve")).to_be_visible()


def test_missing_rows_are_shown_as_missing_and_reached_only_if_none_is(
    consoles: Consoles,
) -> None:
    body: Answer = learning()
    rows: Answer = {"replayable": 160, "days": 28, "note": "A run needs 300 requests."}
    for verdict, promise, unit, label, shown in (
        (140, 0, "requests", "Requests missing for a verdict", "140"),
        (20, 0, "heldout_rows", "Held-out rows missing for a verdict", "20"),
        (0, 5200, "heldout_rows", "Held-out rows missing for a promise", "5,200"),
    ):
        needed: Answer = {
            "needed_for_verdict": verdict,
            "verdict_unit": unit,
            "needed_for_promise": promise,
        }
        api = FakeApi(answers={"GET /v1/learning": Response({**body, "rows": {**rows, **needed}})})
        main = consoles.faked(api, "learning").page.get_by_role("main")
        missing = main.locator(".stat").filter(has_text="still missing")
        expect(missing).to_have_count(1)
        expect(missing).to_contain_text(f"{label}{shown}")
        expect(main.get_by_role("definition").filter(has_text="reached")).to_have_count(1)


@pytest.mark.parametrize(("button", "path"), [("Approve", "approve"), ("Reject", "reject")])
def test_an_answer_is_sent_once_it_is_confirmed_and_a_refusal_is_shown(
    consoles: Consoles, button: str, path: str
) -> None:
    told = "Use `route-switch prompt promote`."
    call = f"POST /v1/runs/{WAITING}/{path}"
    api = FakeApi(answers={call: refused(409, "run_not_waiting", told)})
    page = consoles.faked(api, f"learning?run={WAITING}").page
    page.get_by_role("button", name=f"{button}…").click()
    page.get_by_role("button", name="Cancel").click()
    assert api.bodies(call) == []
    page.get_by_role("button", name=f"{button}…").click()
    page.get_by_role("button", name=f"{button} the candidate").click()
    expect(page.get_by_text("This run no longer waits for approval")).to_be_visible()
    assert api.bodies(call) == [{}]


def test_unknown_figures_are_dashes_with_their_reason(
    consoles: Consoles,
) -> None:
    rows: Answer = {
        "replayable": 3,
        "days": 1,
        "needed_for_verdict": None,
        "verdict_unit": "heldout_rows",
        "needed_for_promise": None,
    }
    body: Answer = {
        "object": "learning",
        "month": "2026-11",
        "budget_usd": 25.0,
        "spent_usd": 0.0,
        "remaining_usd": 25.0,
        "next_run_at": None,
        "rows": {**rows, "note": "No run has looked at held-out rows yet."},
        "drift": [],
        "quality_drop": [],
        "left_out": [],
        "notes": [],
    }
    console = consoles.faked(FakeApi(answers={"GET /v1/learning": Response(body)}), "learning")
    main = console.page.get_by_role("main")
    expect(main).to_contain_text("No run has looked at held-out rows yet.")
    expect(main).not_to_contain_text("left out")
    expect(main).to_contain_text("not known yet")
    expect(main).to_contain_text("No drift check yet")
    expect(main).not_to_contain_text("NaN")
    assert console.axe() == []


STARTED = "2026-11-30T120000Z"
SECONDS_2 = 2_000


def start_a_run(page: Page) -> None:
    page.get_by_role("button", name="Start a run").click()
    page.get_by_role("dialog").get_by_role("button", name="Start the run").click()


def test_a_started_run_is_shown_until_the_list_has_it(consoles: Consoles) -> None:
    begun = run(STARTED, "under_way", None, None)
    api = FakeApi(
        answers={
            "POST /v1/runs": Response({"run": STARTED}, 202),
            f"GET /v1/runs/{STARTED}": Response(run_detail(begun)),
        }
    )
    page = consoles.faked(api, "learning", has_timers=True).page
    start_a_run(page)
    row = page.get_by_role("row").filter(has_text=STARTED)
    expect(row).to_contain_text("starting")
    for _ in range(3):
        with page.expect_response("**/v1/runs?*"):
            page.clock.run_for(SECONDS_2)
    expect(row).to_contain_text("starting")
    api.answers["GET /v1/runs"] = Response({**EMPTY, "data": [begun, *RUNS]})
    page.clock.run_for(SECONDS_2)
    expect(row).to_contain_text("under way")
    expect(row).to_have_count(1)


def test_a_run_that_ended_before_it_began_says_so(consoles: Consoles) -> None:
    told = "The run ended before it began: another run was in progress."
    stopped = run(STARTED, "stopped", None, told)
    api = FakeApi(
        answers={
            "POST /v1/runs": Response({"run": STARTED}, 202),
            f"GET /v1/runs/{STARTED}": Response(run_detail(stopped)),
        }
    )
    page = consoles.faked(api, "learning", has_timers=True).page
    start_a_run(page)
    page.clock.run_for(SECONDS_2)
    row = page.get_by_role("row").filter(has_text=STARTED)
    expect(row).to_contain_text("stopped")
    expect(row).to_contain_text(told)


def test_a_run_that_another_tab_started_is_named(consoles: Consoles) -> None:
    told = f"Nothing was started: run {WAITING} is in progress. GET /v1/runs shows how far it is."
    api = FakeApi(answers={"POST /v1/runs": refused(409, "run_exists", told)})
    page = consoles.faked(api, "learning").page
    start_a_run(page)
    message = page.get_by_text(f"Nothing was started: run {WAITING} is in progress, and only one")
    expect(message).to_be_visible()
    expect(message).not_to_contain_text("/v1/")
    expect(page.get_by_role("row").filter(has_text=STARTED)).to_have_count(0)


def test_a_run_without_a_report_offers_none(consoles: Consoles) -> None:
    detail: Answer = {**run_detail(RUNS[0]), "artifacts": ["report.json", "candidate.md"]}
    api = FakeApi(answers={f"GET /v1/runs/{WAITING}": Response(detail)})
    page = consoles.faked(api, f"learning?run={WAITING}").page
    panel = page.get_by_role("dialog", name=f"Run {WAITING}")
    expect(panel).to_contain_text("Verdict")
    expect(panel.get_by_role("button", name="Download the report")).to_have_count(0)


def test_a_run_says_what_became_of_all_that_it_read(consoles: Consoles) -> None:
    left: list[Answer] = [
        {"reason": "requests of more than 1 MB", "examples": 1204},
        {"reason": "requests with attachments", "examples": 3},
    ]
    examples: Answer = {"read": 1500, "merged": 93, "left_out": [*left], "used": 200}
    detail: Answer = {**run_detail(RUNS[1]), "left_out": [*left], "examples": examples}
    api = FakeApi(answers={f"GET /v1/runs/{RUNS[1]['run']}": Response(detail)})
    console = consoles.faked(api, f"learning?run={RUNS[1]['run']}")
    table = console.page.get_by_role("table", name="Examples used", exact=True)
    for row in ("Read1,500", "for them93", "1,204", "check200"):
        expect(table).to_contain_text(row)
    for each in left:
        expect(table).to_contain_text(str(each["reason"]))
    curve = console.page.get_by_role("figure", name="Cost and quality on held-out examples")
    curve.get_by_role("button", name="Table").click()
    candidate = curve.get_by_role("row").filter(has_text="candidate")
    for cell in ("0.20", "96.1%", "0.41", "$0.001980"):
        expect(candidate).to_contain_text(cell)
    expect(curve.get_by_role("row")).to_have_count(11)
    assert console.axe() == []


def test_an_answered_run_is_followed_closely_until_it_ends(consoles: Consoles) -> None:
    call = f"POST /v1/runs/{WAITING}/approve"
    api = FakeApi(answers={call: Response(RUNS[0])})
    page = consoles.faked(api, f"learning?run={WAITING}", has_timers=True).page
    page.get_by_role("button", name="Approve…").click()
    page.get_by_role("button", name="Approve the candidate").click()
    panel = page.get_by_role("dialog", name=f"Run {WAITING}")
    expect(panel.get_by_text(f"Run {WAITING} is approved.")).to_be_visible()
    listen(page)
    ended: Answer = {**RUNS[0], "state": "ended", "outcome": "promoted"}
    api.answers["GET /v1/runs"] = Response({**EMPTY, "data": [ended, *RUNS[1:]]})
    api.answers[f"GET /v1/runs/{WAITING}"] = Response(run_detail(ended))
    with page.expect_response("**/v1/runs?*"):
        page.clock.run_for(SECONDS_2)
    hears(page, f"Run {WAITING}: promoted")
    expect(panel).to_contain_text("promoted")


def test_the_view_says_what_the_newest_run_left_out(consoles: Consoles) -> None:
    main = consoles.faked(FakeApi(), "learning").page.get_by_role("main")
    told = (
        "The newest run could not learn from 14 requests with attachments; 3 requests without text"
    )
    expect(main).to_contain_text(told)


def test_the_table_of_drift_shows_requests_probabilities_and_todays_drop(
    consoles: Consoles,
) -> None:
    body: Answer = learning()
    dropped: Answer = {
        "at": iso(0.1),
        "prompt_version": "live@3",
        "state": "rolled_back",
        "message": "People rated its answers lower.",
    }
    api = FakeApi(answers={"GET /v1/learning": Response({**body, "quality_drop": [dropped]})})
    page = consoles.faked(api, "learning").page
    curve = page.get_by_role("figure", name="Traffic that differs from the prediction")
    curve.get_by_role("button", name="Table").click()
    for name in ("By tier", "By length", "Requests", "p, tiers", "p, lengths", "Marks"):
        expect(curve.get_by_role("columnheader", name=name, exact=True)).to_be_visible()
    expect(curve.get_by_role("row").filter(has_text="Nov 29")).to_contain_text("drifted")
    expect(curve.get_by_role("row").filter(has_text="Nov 30")).to_contain_text("quality drop")
    api.answers["GET /v1/learning"] = Response({**body, "drift": [], "quality_drop": [dropped]})
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("No drift check yet")
    expect(curve.locator("canvas")).to_be_visible()


def test_on_a_phone_the_names_in_the_picture_of_a_run_can_be_read(consoles: Consoles) -> None:
    console = consoles.faked(FakeApi(), f"learning?run={RUN}", PHONE)
    panel = console.page.get_by_role("dialog", name=f"Run {RUN}")
    names = panel.get_by_role("figure").locator("svg .name")
    expect(names).to_have_count(5)
    for box in (each.bounding_box() for each in names.all()):
        assert box is not None
        assert box["height"] > 10
        assert box["x"] + box["width"] <= PHONE[0]
    assert console.overflow() == 0
