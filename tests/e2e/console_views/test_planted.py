"""Markup where only an action shows it: in a record, a run, a preview and a decision."""

from pydantic import JsonValue

from tests.e2e.console_views.test_every_view import planted
from tests.support.browser import Watched, expect
from tests.support.console_answers import RUN, preview
from tests.support.console_decisions import route
from tests.support.console_world import PLANTED
from tests.support.consoles import Consoles
from tests.support.fake_api import Answering, FakeApi, Response


def beside_the_prompt(body: JsonValue) -> JsonValue:
    """The live prompt keeps its number: without one, it cannot be edited."""
    is_prompt = isinstance(body, dict) and body.get("object") == "prompt"
    return body if is_prompt else planted(body)


def check(console: Watched) -> None:
    """The page itself reports a dialog, a refused script and an error."""
    assert console.page.locator("img[src='x'], main script, dialog script").count() == 0


def test_markup_that_an_action_shows_is_text(consoles: Consoles) -> None:
    answers: dict[str, Answering] = {
        "POST /v1/prompt/preview": Response(planted(preview())),
        "POST /v1/route": Response(planted(route())),
    }
    console = consoles.faked(
        FakeApi(change=beside_the_prompt, answers=answers), "decisions?id=req-1"
    )
    page = console.page
    record = page.get_by_role("dialog", name="Request")
    comment = record.locator("dl > div").filter(has_text="Comment")
    expect(comment).to_contain_text(PLANTED)
    check(console)

    page.evaluate("run => { location.hash = `#/learning?run=${run}` }", RUN)
    expect(page.get_by_role("dialog", name=f"Run {RUN}")).to_contain_text(PLANTED)
    check(console)

    page.evaluate("location.hash = '#/playground'")
    page.get_by_label("Text of message 1").fill(PLANTED)
    page.get_by_role("button", name="Decide only").click()
    expect(page.get_by_role("article", name="Decision").locator("blockquote")).to_contain_text(
        PLANTED
    )
    check(console)

    page.evaluate("location.hash = '#/prompt?tab=edit'")
    page.get_by_label("Routing prompt").press_sequentially("!")
    page.get_by_role("button", name="Preview").click()
    row = page.get_by_role("region", name="Preview").get_by_role("row").nth(1)
    expect(row).to_contain_text(PLANTED)
    check(console)
