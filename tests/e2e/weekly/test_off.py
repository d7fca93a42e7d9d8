"""The owner turns learning off: before a run, and during one."""

import json
import re
import threading
from collections.abc import Iterator

import pytest

from route_switch.domain.errors import RouteSwitchError
from tests.e2e.conftest import RouteSwitch
from tests.support.scripted_models import Models, breaking, numbers, recorded, with_gold
from tests.support.upstream import Body, Reply
from tests.support.weekly import Weekly, check_end, run_id

NUMBERS = numbers(train=25, validation=15, heldout=55)
ROWS = [with_gold(number) for number in NUMBERS]
SLICE_S = 2.0


@pytest.fixture(autouse=True)
def _turn_on_afterwards(route_switch: RouteSwitch) -> Iterator[None]:
    """Turn learning on again for later tests."""
    yield
    switch_learning(route_switch, "on")


def switch_learning(route_switch: RouteSwitch, state: str) -> None:
    done = route_switch("switch", "learning", state)
    assert done.exit_code == 0, done.exception
    assert done.stdout.endswith(f"-> {state}\n")


def test_while_learning_is_off_no_run_starts_and_no_notification_is_sent(
    weekly: Weekly, models: Models, route_switch: RouteSwitch
) -> None:
    weekly.seed(ROWS)
    before = weekly.live
    switch_learning(route_switch, "off")
    for ended in (weekly.run(), weekly.ended(weekly.start_by("drift"))):
        assert ended.status == "SUCCEEDED"
        assert ended.outcome == "learning off"
        assert ended.states == ["Claim", "Claimed?", "Learning off"]
        assert "'route-switch switch learning on'" in ended.output["why"]
    refused = route_switch("learn").exception
    assert isinstance(refused, RouteSwitchError)
    assert "Learning is off, so nothing was done." in str(refused)
    assert not weekly.is_locked
    assert weekly.notifications() == []
    assert weekly.live == before
    assert models.calls.total() == 0


def test_turning_learning_off_ends_a_run_at_its_next_slice_and_the_next_run_resumes(
    weekly: Weekly, models: Models, route_switch: RouteSwitch
) -> None:
    asked, turned_off = threading.Event(), threading.Event()

    def hold(number: int, body: Body) -> Reply | None:
        """Wait at one of the first requests for outcomes."""
        if models.by_model["large"] >= 10 and not asked.is_set():
            asked.set()
            assert turned_off.wait(120)
        return None

    weekly.seed(ROWS)
    before, _ = weekly.live
    started = weekly.next_time()
    weekly.upstream.script = breaking(models, hold)
    with weekly.configured(slice_s=SLICE_S):
        execution = weekly.start(started)
        assert asked.wait(120)
        switch_learning(route_switch, "off")
        turned_off.set()
        ended = weekly.ended(execution)
    told = check_end(weekly, ended, "learning off")
    assert ended.states[-5:] == ["Evaluate: done?", "Gate", "Report", "Notify", "Done"]
    assert models.by_model["router"] == 0, "the search never began"
    assert weekly.live[0] == before
    assert "Learning was turned off during the run" in told
    assert "report.html" not in told
    assert spent_usd(told) == pytest.approx(models.usd, abs=0.00005 + 1e-9), "rounded"
    assert weekly.taken_usd(started) == pytest.approx(models.usd, rel=1e-6)

    switch_learning(route_switch, "on")
    check_end(weekly, weekly.run(), "promoted")
    assert weekly.live[0] == before + 1
    assert max(models.calls[call] for call in models.paid_once) == 1


def test_turning_learning_off_stops_an_approved_candidate(
    weekly: Weekly, models: Models, route_switch: RouteSwitch
) -> None:
    weekly.seed([recorded(number) for number in NUMBERS])
    before = weekly.live
    started = weekly.next_time()
    with weekly.configured(approval="always"):
        execution = weekly.start(started)
        weekly.notified()
        switch_learning(route_switch, "off")
        assert isinstance(route_switch("approve", run_id(started)).exception, RouteSwitchError)
        approve_directly(weekly, run_id(started))
        told = check_end(weekly, weekly.ended(execution), "learning off")
    assert "Promote" in weekly.states(execution)
    assert weekly.live == before
    assert "candidate.md" in told, "it can still be promoted by hand"


def spent_usd(told: str) -> float:
    """Return what the run spent, which the notification rounds to 0.0001 USD."""
    [spent] = re.findall(r"This run spent (\d+\.\d{4}) USD\.", told)
    return float(spent)


def approve_directly(weekly: Weekly, run: str) -> None:
    """Answer the token directly, as if the approval had come just before the switch."""
    found = weekly.client("dynamodb").get_item(
        TableName=weekly.stack.results_table, Key={"pk": {"S": "RUNS"}, "sk": {"S": run}}
    )
    weekly.client("stepfunctions").send_task_success(
        taskToken=found["Item"]["token"]["S"], output=json.dumps({"approved": True, "by": "arn"})
    )
