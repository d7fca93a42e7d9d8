"""A step of the workflow that takes more than one invocation of its function."""

from tests.support.scripted_models import Models, numbers, recorded
from tests.support.weekly import Weekly

ROWS = [recorded(number) for number in numbers(train=25, validation=15, heldout=55)]
SLICE_S = 0.4
"""Less than what it takes a slice to come to where the one before it ended."""


def test_a_search_in_many_slices_finds_what_one_slice_finds(weekly: Weekly, models: Models) -> None:
    weekly.seed(ROWS)
    before, _ = weekly.live
    with weekly.configured(slice_s=SLICE_S):
        ended = weekly.run()
    assert ended.outcome == "promoted"
    assert ended.states.count("Optimize") >= 4
    assert weekly.live[0] == before + 1
    assert f"live as version {before + 1}" in weekly.told_once()
    assert models.asked_again == 0
    candidate = weekly.artifacts("candidate.json")

    weekly.reset()
    weekly.seed(ROWS)
    weekly.upstream.script = undisturbed = Models()
    ended = weekly.run()
    assert ended.outcome == "promoted"
    assert ended.states.count("Optimize") == 1
    assert weekly.artifacts("candidate.json") == candidate
    assert undisturbed.calls == models.calls


def test_a_run_that_takes_more_slices_than_it_may_fails_and_says_so(
    weekly: Weekly, models: Models
) -> None:
    weekly.seed(ROWS)
    before = weekly.live
    with weekly.configured(slice_s=SLICE_S, slices=2):
        ended = weekly.run()
    assert ended.status == "FAILED"
    assert ended.states.count("Optimize") == 3
    assert weekly.live == before
    told = weekly.told_once()
    assert "'optimize' is not done after 2 slices. Let each work longer (slice_s)" in told
    assert models.asked_again == 0
