"""How answers are graded, how many calls that takes, and errors for unusable examples."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.scripted_models import (
    PAID_ONCE,
    TIERS,
    Learner,
    Models,
    numbers,
    query,
    recorded,
    ungraded,
    with_gold,
    write_examples,
)
from tests.support.upstream import Body, running_upstream

JUDGE = "--judge-model=openai/judge"


def mixed(chosen: Sequence[int]) -> list[Body]:
    """Gold answers grade one half, the judge the other."""
    return [
        with_gold(number) if place % 2 else ungraded(number) for place, number in enumerate(chosen)
    ]


def test_more_candidates_need_no_more_calls_to_tiers_or_judge(tmp_path: Path) -> None:
    chosen = numbers(train=20, validation=12, heldout=8)
    examples = write_examples(tmp_path / "examples.jsonl", mixed(chosen))
    few, many = Models(3), Models(3)
    for models, size in ((few, ("4", "2")), (many, ("20", "12"))):
        with running_upstream(models) as upstream:
            learn = Learner(upstream.url, examples, tmp_path)
            options = (f"--candidates={size[0]}", f"--trials={size[1]}")
            assert learn(JUDGE, *options, out=size[0]).exit_code == 0
    asked = {model: few.by_model[model] for model in PAID_ONCE}
    assert asked == {model: many.by_model[model] for model in PAID_ONCE}
    assert [asked[model] for model in ("small", "medium", "large")] == [len(chosen)] * 3
    assert asked["judge"] > 0
    assert many.by_model["router"] > few.by_model["router"]
    assert many.by_model["proposer"] > few.by_model["proposer"]


def test_recorded_results_need_no_calls(tmp_path: Path) -> None:
    chosen = numbers(train=20, validation=12, heldout=8)
    examples = write_examples(tmp_path / "examples.jsonl", [recorded(n) for n in chosen])
    models = Models(3)
    with running_upstream(models) as upstream:
        assert Learner(upstream.url, examples, tmp_path)(JUDGE).exit_code == 0
    assert {*models.by_model} == {"router", "proposer"}


def test_a_judge_without_labels_requires_approval(tmp_path: Path) -> None:
    chosen = numbers(train=20, validation=12, heldout=55)
    rows = [ungraded(number) for number in chosen]
    models = Models(3)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, write_examples(tmp_path / "e.jsonl", rows), tmp_path)
        assert learn(JUDGE).exit_code == 0
    report = learn.report()
    assert report["graded_by"] == {"judge": 2 * len(chosen)}
    assert models.by_model["judge"] > 0
    assert report["gate"]["verdict"] == "better"
    assert report["gate"]["needs_approval"].startswith("uncalibrated: no labels")
    assert report["agreement"]["n"] == 0


def test_a_judge_that_agrees_with_enough_labels_requires_no_approval(tmp_path: Path) -> None:
    chosen = numbers(train=40, validation=24, heldout=16)
    models = Models(3)
    with running_upstream(models) as upstream:
        examples = write_examples(tmp_path / "examples.jsonl", mixed(chosen))
        learn = Learner(upstream.url, examples, tmp_path)
        assert learn(JUDGE).exit_code == 0
    report = learn.report()
    assert report["agreement"]["n"] >= 50
    assert report["agreement"]["kappa"] == 1
    assert report["gate"]["needs_approval"] is None


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('{"query": 5}', "query"),
        ('{"query": ""}', "query"),
        ('{"question": "who?"}', "query"),
        (
            '{"query": "who?", "models": {"openai/small": {"score": 2}}}',
            "models.openai/small.score",
        ),
        ('{"query": "who?", "models": {"openai/small": {"cost_usd": -1}}}', "cost_usd"),
    ],
)
def test_an_invalid_line_is_reported_with_its_number_and_field(
    line: str, field: str, tmp_path: Path
) -> None:
    examples = write_examples(tmp_path / "examples.jsonl", [recorded(n) for n in range(2)])
    with examples.open("a") as file:
        file.write(line + "\n")
    result = Learner("http://127.0.0.1:9/v1", examples, tmp_path)()
    assert result.exit_code == 1
    assert "line 3" in str(result.exception)
    assert field in str(result.exception)


def test_a_line_of_invalid_json_is_reported_with_its_number(tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples.jsonl", [recorded(n) for n in range(2)])
    with examples.open("a") as file:
        file.write('{"query": "who\n')
    result = Learner("http://127.0.0.1:9/v1", examples, tmp_path)()
    assert result.exit_code == 1
    assert "line 3" in str(result.exception)


def refused(rows: list[Body], tmp_path: Path, *options: str) -> str:
    """Return the error of a run that makes no model call."""
    models = Models(3)
    examples = write_examples(tmp_path / "examples.jsonl", rows)
    with running_upstream(models) as upstream:
        result = Learner(upstream.url, examples, tmp_path)(*options)
    assert result.exit_code == 1
    assert not models.calls
    return str(result.exception)


def test_ungradable_examples_are_an_error_that_says_what_to_add(
    tmp_path: Path,
) -> None:
    error = refused([ungraded(number) for number in range(40)], tmp_path)
    assert "No example has outcomes." in error
    assert "add scores or a short 'gold', or configure a judge" in error


def test_results_of_only_one_tier_are_an_error_that_says_what_to_add(tmp_path: Path) -> None:
    rows: list[Body] = [
        {"query": query(number), "models": {"small": {"score": 1.0, "cost_usd": 0.1}}}
        for number in range(40)
    ]
    error = refused(rows, tmp_path, "--tiers=small,large")
    assert "results of small" in error
    assert "without a result from each tier's model" in error


def test_one_tier_is_an_error(tmp_path: Path) -> None:
    rows = [recorded(number) for number in range(40)]
    error = refused(rows, tmp_path, f"--tiers={TIERS[2]}")
    assert "--tiers takes two or three different models" in error


def test_an_empty_file_is_an_error_that_shows_the_line_format(tmp_path: Path) -> None:
    assert 'Each line needs {"query": "…"}' in refused([], tmp_path)


def test_too_few_examples_are_an_error_before_the_search(tmp_path: Path) -> None:
    error = refused([recorded(number) for number in range(8)], tmp_path)
    assert "Too few examples have outcomes" in error
