"""The weekly workflow on the local stack: approval, and prompts edited during a run."""

import json
import re
from datetime import datetime

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.prompt_document import to_markdown
from tests.e2e.conftest import RouteSwitch
from tests.support.scripted_models import (
    CRITERION,
    Models,
    breaking,
    numbers,
    recorded,
    ungraded,
)
from tests.support.upstream import Body, Reply
from tests.support.weekly import Weekly, check_end, run_id

ENOUGH = numbers(train=20, validation=16, heldout=52)
EDITED = to_markdown(
    packaged_prompt().model_copy(
        update={"instruction": f"{packaged_prompt().instruction}\n\nWhen in doubt, say 3."}
    )
)
"""A hand-edited prompt."""


def refusal(route_switch: RouteSwitch, *arguments: str) -> str:
    """Return the error of a command that does nothing."""
    done = route_switch(*arguments)
    assert done.exit_code == 1
    assert isinstance(done.exception, RouteSwitchError), done.output
    return str(done.exception)


def wait_for_request(weekly: Weekly, time: datetime) -> str:
    """Wait for the only request for approval, and return its text."""
    (request,) = weekly.notified()
    run = run_id(time)
    assert request["Subject"] == (f"route-switch local: a better prompt needs approval (run {run})")
    assert f"route-switch approve {run} --stage local" in request["Message"]
    return request["Message"]


def record(route_switch: RouteSwitch, time: datetime) -> dict[str, object]:
    """Return the run as listed by `route-switch runs`."""
    (found,) = json.loads(route_switch("runs", "--json").stdout)
    assert found["run"] == run_id(time)
    assert isinstance(found, dict)
    return found


def test_a_verdict_of_the_judge_alone_needs_approval_and_then_goes_live(
    weekly: Weekly, models: Models, route_switch: RouteSwitch
) -> None:
    before, document = weekly.live
    weekly.seed([ungraded(number) for number in ENOUGH])
    time = weekly.next_time()
    execution, run = weekly.start(time), run_id(time)
    weekly.wait_for_state(execution, "Collect")
    assert "is not waiting for approval: under way" in refusal(route_switch, "approve", run)
    wait_for_request(weekly, time)
    assert record(route_switch, time)["state"] == "waits for approval"
    assert weekly.live == (before, document)

    assert route_switch("approve", run).exit_code == 0
    assert f"Run {run} is not waiting" in refusal(route_switch, "approve", run)
    told = check_end(weekly, weekly.ended(execution), "promoted")
    assert models.asked_again == 0
    version, document = weekly.live
    assert version == before + 1
    assert CRITERION in document
    assert f"live as version {version}" in told
    assert models.by_model["judge"] > 0
    found = record(route_switch, time)
    assert (found["outcome"], found["live_version"]) == ("promoted", version)
    assert_opens_with_the_week(told, found["message"])
    assert f"Learning found a better prompt, and it is live as version {version};" in told
    approval = json.loads(weekly.read(f"runs/{run}/summary.json"))["state"]["approval"]
    assert approval["approved"]
    assert approval["by"].startswith("arn:aws:sts::")

    why = f"Run {run} is not waiting for approval: promoted."
    assert refusal(route_switch, "reject", run) == why
    assert weekly.live == (version, document)


def test_a_stage_that_always_asks_also_asks_if_tests_graded_and_can_be_rejected(
    weekly: Weekly, models: Models, route_switch: RouteSwitch
) -> None:
    before = weekly.live
    weekly.seed([recorded(number) for number in ENOUGH])
    time = weekly.next_time()
    with weekly.configured(approval="always"):
        execution, run = weekly.start(time), run_id(time)
        wait_for_request(weekly, time)
        assert route_switch("reject", run).exit_code == 0
        told = check_end(weekly, weekly.ended(execution), "not approved")
        assert models.asked_again == 0
    assert weekly.live == before
    assert "The candidate was rejected by arn:aws:sts::" in told
    found = record(route_switch, time)
    assert found["outcome"] == "not approved"
    assert_opens_with_the_week(told, found["message"])
    assert "is not waiting for approval" in refusal(route_switch, "approve", run)
    assert weekly.live == before


def test_no_answer_means_rejection(
    weekly: Weekly, models: Models, route_switch: RouteSwitch
) -> None:
    before = weekly.live
    weekly.seed([recorded(number) for number in ENOUGH])
    time = weekly.next_time()
    with weekly.configured(approval="always"), weekly.short_approval_wait(seconds=2):
        execution = weekly.start(time)
        wait_for_request(weekly, time)
        told = check_end(weekly, weekly.ended(execution), "not approved")
    assert models.asked_again == 0
    assert weekly.live == before
    assert "Nobody approved the candidate in time, so it was rejected." in told
    assert "is not waiting for approval" in refusal(route_switch, "approve", run_id(time))
    assert weekly.live == before


def test_an_answer_to_an_unknown_run_is_rejected(route_switch: RouteSwitch) -> None:
    why = "There is no run 2026-01-04T030000Z. 'route-switch runs' lists them."
    assert refusal(route_switch, "approve", "2026-01-04T030000Z") == why
    assert refusal(route_switch, "reject", "2026-01-04T030000Z") == why


def test_a_prompt_that_was_edited_while_the_run_waited_is_not_overwritten(
    weekly: Weekly, models: Models, route_switch: RouteSwitch
) -> None:
    before, _ = weekly.live
    weekly.seed([recorded(number) for number in ENOUGH])
    time = weekly.next_time()
    with weekly.configured(approval="always"):
        execution = weekly.start(time)
        wait_for_request(weekly, time)
        weekly.publish(EDITED)
        assert route_switch("approve", run_id(time)).exit_code == 0
        told = check_end(weekly, weekly.ended(execution), "prompt changed")
        assert models.asked_again == 0
    assert weekly.live == (before + 1, EDITED)
    assert f"but version {before + 1} is live" in told
    assert record(route_switch, time)["outcome"] == "prompt changed"


@pytest.mark.parametrize("model", ["proposer", "router"])
def test_a_prompt_that_was_edited_during_the_search_is_not_overwritten(
    weekly: Weekly, models: Models, model: str
) -> None:
    edits: list[None] = []

    def edit(_: int, body: Body) -> Reply | None:
        """Edit the prompt at the model's first request."""
        if body["model"] == model and not edits:
            edits.append(None)
            weekly.publish(EDITED)
        return None

    before, _ = weekly.live
    weekly.upstream.script = breaking(models, edit)
    weekly.seed([recorded(number) for number in ENOUGH])
    told = check_end(weekly, weekly.run(), "prompt changed")
    assert models.asked_again == 0
    assert weekly.live == (before + 1, EDITED)
    assert "The candidate is better, but was not promoted" in told


def assert_opens_with_the_week(told: str, details: object) -> None:
    """A notification is the week in three sentences, what the run recorded, and a link."""
    money, quality, _, rest = told.split("\n\n", 3)
    assert money.startswith("In the last 7 days, ")
    assert quality.startswith(("Of the live prompt's answers", "Quality is not measured yet"))
    before, link = rest.rsplit("\n\nSee it in the console: ", 1)
    assert before == details
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/console", link)
