"""Reports about a run in progress, and about a finished one."""

import json

import pytest

from local.demos.follow import describe_progress, finished_run, is_milestone

BEGUN = {"step": "search, round 1", "parts": 41, "spent_usd": 0.25}


def at_trial(number: int) -> dict[str, object]:
    return {**BEGUN, "trial": number, "best_objective": 0.81234}


def test_progress_is_described_with_the_known_details() -> None:
    assert describe_progress(BEGUN) == "search, round 1, spent $0.2500"
    assert describe_progress(at_trial(7)) == (
        "search, round 1, trial 7, best objective 0.8123, spent $0.2500"
    )


@pytest.mark.parametrize(
    ("before", "after", "worth"),
    [
        ({}, BEGUN, True),
        (BEGUN, at_trial(3), False),
        (at_trial(3), at_trial(9), False),
        (at_trial(9), at_trial(12), True),
        (at_trial(12), {**BEGUN, "step": "search, round 2"}, True),
    ],
)
def test_each_step_and_every_tenth_trial_prints_a_line(
    before: dict[str, object], after: dict[str, object], worth: bool
) -> None:
    assert is_milestone(after, before) is worth


def test_a_finished_run_is_reported_by_its_notice_and_a_failed_one_by_its_cause() -> None:
    notice = {"outcome": "not better", "subject": "s", "message": "No better prompt was found."}
    good = finished_run({"status": "SUCCEEDED", "output": json.dumps(notice)})
    assert (good.failed, good.outcome, good.notification) == (
        False,
        "not better",
        "No better prompt was found.",
    )
    twice = finished_run(
        {"status": "SUCCEEDED", "output": '{"outcome": "duplicate", "why": "Again."}'}
    )
    assert (twice.outcome, twice.notification) == ("duplicate", "Again.")
    bad = finished_run({"status": "FAILED", "error": "RunFailed", "cause": "The provider is down."})
    assert (bad.failed, bad.notification) == (True, "The provider is down.")
    assert finished_run({"status": "ABORTED"}).failed
