"""The weekly workflow on the local stack: candidates that the gate rejects or postpones."""

from pydantic import JsonValue

from route_switch.domain.learning.split import Side
from tests.support.scripted_models import (
    CRITERION,
    RECORDED_USD,
    Models,
    is_hard,
    numbers,
    query,
    recorded,
    side,
)
from tests.support.weekly import Weekly, check_end, run_id

ENOUGH = numbers(train=21, validation=16, heldout=52)


def test_without_a_better_proposal_nothing_changes(weekly: Weekly) -> None:
    weekly.upstream.script = models = Models(stating=None)
    before = weekly.live
    weekly.seed([recorded(number) for number in ENOUGH])
    told = check_end(weekly, weekly.run(), "not better")
    assert models.asked_again == 0
    assert weekly.live == before
    assert "No better routing prompt was found. The live prompt is unchanged." in told


def swapped_on_heldout(number: int) -> dict[str, JsonValue]:
    """Return a recorded example; on held-out rows, easy and hard queries are swapped."""
    if side(number) is not Side.HELDOUT:
        return recorded(number)
    text = query(number)
    results: dict[str, JsonValue] = {
        model: {
            "score": float(is_hard(text) or not model.endswith("small")),
            "cost_usd": cost_usd,
        }
        for model, cost_usd in RECORDED_USD.items()
    }
    return {"query": text, "models": results}


def test_the_gate_rejects_a_candidate_that_wins_only_on_validation_rows(
    weekly: Weekly, models: Models
) -> None:
    before = weekly.live
    weekly.seed([swapped_on_heldout(number) for number in ENOUGH])
    time = weekly.next_time()
    told = check_end(weekly, weekly.run(time), "not better")
    assert models.asked_again == 0
    assert weekly.live == before
    assert "on 52 new held-out queries: -0." in told
    assert CRITERION in weekly.read(f"runs/{run_id(time)}/candidate.md").decode()


def test_too_few_new_heldout_rows_wait_for_a_later_run(weekly: Weekly, models: Models) -> None:
    before, document = weekly.live
    more = numbers(train=24, validation=20, heldout=60)
    few = numbers(train=20, validation=16, heldout=40)
    assert set(few) < set(more)
    weekly.seed([recorded(number) for number in few])
    told = check_end(weekly, weekly.run(), "not enough evidence")
    assert models.asked_again == 0
    assert weekly.live == (before, document)
    assert "there is not enough evidence" in told
    assert "on 40 new held-out queries: +0." in told
    weekly.seed([recorded(number) for number in more])
    weekly.upstream.script = models = Models()
    told = check_end(weekly, weekly.run(), "promoted")
    assert models.asked_again == 0
    assert "on 60 new held-out queries: +0." in told
    version, document = weekly.live
    assert version == before + 1
    assert CRITERION in document
