"""Workflow steps that take more than one invocation of their function."""

import threading

from tests.support.scripted_models import Models, numbers, recorded
from tests.support.upstream import Body, Reply, Script
from tests.support.weekly import Weekly

ROWS = [recorded(number) for number in numbers(train=26, validation=15, heldout=55)]
SLICE_S, CALL_S = 0.4, 0.04
"""With calls that take so long, four threads make 44 calls in a slice at most, and a search makes
163: it takes four slices at least, on however fast a machine."""


def slow(script: Script) -> Script:
    never = threading.Event()

    def answer(body: Body) -> Reply:
        never.wait(CALL_S)
        return script(body)

    return answer


def test_a_search_in_many_slices_gives_the_same_result_as_in_one(
    weekly: Weekly, models: Models
) -> None:
    weekly.forget_versions()
    weekly.seed(ROWS)
    before, _ = weekly.live
    weekly.upstream.script = slow(models)
    with weekly.configured(slice_s=SLICE_S):
        ended = weekly.run()
    assert ended.outcome == "promoted"
    assert ended.states.count("Optimize") >= 4
    assert weekly.live[0] == before + 1
    assert f"live as version {before + 1}" in weekly.only_notification()
    assert models.asked_again == 0
    candidate = weekly.artifacts("candidate.json")

    weekly.reset()
    weekly.forget_versions()
    weekly.seed(ROWS)
    weekly.upstream.script = undisturbed = Models()
    ended = weekly.run()
    assert ended.outcome == "promoted"
    assert ended.states.count("Optimize") == 1
    assert weekly.artifacts("candidate.json") == candidate
    assert undisturbed.calls == models.calls


def test_a_run_that_exceeds_its_slices_fails_with_a_clear_message(
    weekly: Weekly, models: Models
) -> None:
    weekly.seed(ROWS)
    before = weekly.live
    weekly.upstream.script = slow(models)
    with weekly.configured(slice_s=SLICE_S, slices=2):
        ended = weekly.run()
    assert ended.status == "FAILED"
    assert ended.states.count("Optimize") == 3
    assert weekly.live == before
    told = weekly.only_notification()
    assert "'optimize' is not done after 2 slices. Allow longer slices (slice_s)" in told
    assert models.asked_again == 0
