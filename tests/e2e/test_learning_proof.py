"""The loop finds the best prompt if there is one, and nothing otherwise. With scripted models, the
best prompt is known."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompt_document import parse_prompt
from route_switch.optimizer.arrays import Floats, OutcomeArrays
from tests.support.scripted_models import (
    CRITERION,
    Learner,
    Models,
    numbers,
    recorded,
    write_examples,
)
from tests.support.upstream import running_upstream

SIX_PROPOSALS = ("--candidates=7", "--trials=16", "--seed=3")
"""The seventh candidate is the incumbent's instruction. With this seed no two requests for a
proposal are equal."""

Stating = Callable[[int | None], AbstractContextManager[Learner]]


@pytest.fixture
def stating(tmp_path: Path) -> Stating:
    """Return runs whose proposer states the criterion in the proposal at this place, or never."""
    rows = [recorded(number) for number in numbers(train=24, validation=12, heldout=55)]
    examples = write_examples(tmp_path / "examples.jsonl", rows)

    @contextmanager
    def learner(place: int | None) -> Iterator[Learner]:
        with running_upstream(Models(place)) as upstream:
            yield Learner(upstream.url, examples, tmp_path)

    return learner


# Figures of report.json, as a script would read them.
def evaluated(report: dict[str, Any]) -> dict[bool, list[float]]:
    """Return objectives on validation rows, by whether the instruction states the criterion."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for tried in report["candidates"]:
        if tried["objective"] is not None:
            found[CRITERION in tried["instruction"]].append(tried["objective"])
    return found


@pytest.mark.parametrize("place", [1, 4, 6])
def test_the_one_proposal_that_states_the_criterion_is_selected_and_better(
    stating: Stating, place: int
) -> None:
    with stating(place) as learn:
        result = learn(*SIX_PROPOSALS)
    assert result.exit_code == 0, result.output
    candidate = parse_prompt(learn.candidate().decode())
    assert f"wording {place}." in candidate.instruction
    assert CRITERION in candidate.instruction
    assert candidate.provenance["verdict"] == "better"
    report: Any = learn.report()
    assert report["complete"]
    assert report["gate"]["gain"]["n"] == 55
    assert report["gate"]["gain"]["low"] > 0
    assert [tried["selected"] for tried in report["candidates"]].count(True) == 1
    objectives = evaluated(report)
    assert min(objectives[True]) > max(objectives[False])
    [chosen] = [policy for policy in report["policies"] if policy["policy"] == "candidate"]
    assert chosen["quality"]["mean"] == 1


def test_gepa_finds_the_criterion_and_passes_the_same_gate(stating: Stating) -> None:
    with stating(2) as learn:
        result = learn(*SIX_PROPOSALS, "--optimizer=gepa")
    assert result.exit_code == 0, result.output
    candidate = parse_prompt(learn.candidate().decode())
    assert CRITERION in candidate.instruction
    assert candidate.demos == packaged_prompt().demos
    assert candidate.provenance["optimizer"] == "gepa"
    assert candidate.provenance["verdict"] == "better"
    report: Any = learn.report()
    assert report["optimizer"] == "gepa"
    assert report["gate"]["gain"]["low"] > 0


def test_nothing_is_promoted_if_no_proposal_states_the_criterion(stating: Stating) -> None:
    with stating(None) as learn:
        # Otherwise a longer bypass is proposed, which saves router calls that are worth nothing.
        result = learn(*SIX_PROPOSALS, "--no-bypass")
    assert result.exit_code == 0, result.output
    candidate = parse_prompt(learn.candidate().decode())
    assert candidate.version == packaged_prompt().version
    assert candidate.provenance["origin"] == "kept"
    assert candidate.provenance["verdict"] != "better"
    report: Any = learn.report()
    assert len(evaluated(report)[False]) > 3, "other prompts were evaluated"
    assert report["gate"]["gain"]["mean"] == 0


@pytest.mark.parametrize("place", [1, 4, 6])
def test_with_a_negated_reward_the_criterion_is_tried_but_not_selected(
    stating: Stating, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewards = OutcomeArrays.rewards

    def flipped(arrays: OutcomeArrays, lambda_: float) -> Floats:
        return -rewards(arrays, lambda_)

    monkeypatch.setattr(OutcomeArrays, "rewards", flipped)
    with stating(place) as learn:
        result = learn(*SIX_PROPOSALS)
    assert result.exit_code == 0, result.output
    candidate = parse_prompt(learn.candidate().decode())
    report: Any = learn.report()
    assert evaluated(report)[True], "the criterion was among the candidates"
    assert CRITERION not in candidate.instruction
    assert candidate.provenance["verdict"] != "better"
