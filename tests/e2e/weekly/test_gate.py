"""The weekly workflow on the local stack: candidates that the gate rejects or postpones."""

from pydantic import JsonValue

from route_switch.adapters.ssm import output_ratios_parameter
from route_switch.domain.learning.split import Side
from route_switch.domain.output_ratio import OutputRatios
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
    weekly.seed([with_lengths(recorded(number)) for number in ENOUGH])
    # A longer bypass is proposed, which saves router calls that are worth nothing here.
    told = check_end(weekly, weekly.run(), "not enough evidence")
    assert models.asked_again == 0
    assert weekly.live == before
    # Savings are estimated with what the run measured, although its candidate was not promoted.
    assert measured_ratios(weekly) == {"openai/small": 2.0, "openai/medium": 4.0}
    assert "there is not enough evidence. The live prompt is unchanged." in told


def with_lengths(example: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Record tokens, which cost as much as before: Tier 3 writes twice as many as Tier 1 and four
    times as many as Tier 2."""
    written = {"openai/small": 40_000, "openai/medium": 20_000, "openai/large": 80_000}
    models: dict[str, JsonValue] = {}
    assert isinstance(example["models"], dict)
    for name, result in example["models"].items():
        assert isinstance(result, dict)
        output = written[name]
        models[name] = {**result, "input_tokens": 100_000 - output, "output_tokens": output}
    return {**example, "models": models}


def measured_ratios(weekly: Weekly) -> dict[str, float]:
    name = output_ratios_parameter(weekly.stack.prompt_parameter)
    value = weekly.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return {each.model: each.ratio for each in OutputRatios.from_json(value).measured}


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
