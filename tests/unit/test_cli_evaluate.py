"""`route-switch evaluate --json` and its table."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from route_switch.adapters.learning.example_file import file_digest
from route_switch.adapters.models.sentence_vectors import SentenceEncoder
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.main import app, run
from route_switch.domain.prompt_document import to_json
from route_switch_offline import OFFLINE_MODELS, load_sample
from tests.support.upstream import completion, failure, running_upstream

HAND_WRITTEN = Path("layers/core/python/route_switch/data/hand_written.md")
SOME = load_sample()[6:30]  # with and without results
ROWS = len(SOME)
LEARNERS = ["linear", "knn", "clusters", "length"]
NAMES = [*LEARNERS, "static-rules", "random", "tier-1", "tier-2", "tier-3", "oracle"]
PROMPTS = ["hand-written", "incumbent", "candidate"]
THREE = ",".join(OFFLINE_MODELS)
WORDS = [f"{first}{second}" for first in "abcdefgh" for second in ("ox", "ir", "ul", "en", "ast")]


@pytest.fixture(scope="module", autouse=True)
def _cached_embeddings() -> Iterator[None]:
    """Cache embeddings: most tests read the same rows, and a long text takes about 50 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SentenceEncoder, "embed", cache(SentenceEncoder.embed))
        yield


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Write rows of the sample, some of them without results."""
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join(row.model_dump_json() for row in SOME), "utf-8")
    return path


# A script reads the document as plain JSON.
def evaluate(path: Path, *arguments: str, tiers: str = THREE) -> dict[str, Any]:
    options = ["--examples", str(path), "--tiers", tiers, "--json", *arguments]
    if "--prompt" not in arguments:
        options += ["--prompt", str(HAND_WRITTEN)]
    result = CliRunner().invoke(app, ["evaluate", *options])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_with_a_margin_lower_scores_count_as_no_worse(tmp_path: Path) -> None:
    scores = {"s": {"score": 0.7, "cost_usd": 1}, "l": {"score": 0.8, "cost_usd": 10}}
    path = tmp_path / "graded.jsonl"
    rows = [{"query": f"question number {n} of this log", "models": scores} for n in range(9)]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    strict = evaluate(path, tiers="s,l")
    tolerant = evaluate(path, "--no-worse-margin", "0.1", tiers="s,l")
    quality = [
        next(p["quality"] for p in document["policies"] if p["policy"] == "tier-1")
        for document in (strict, tolerant)
    ]
    assert quality == [0, 1]
    assert tolerant["no_worse_margin"] == 0.1


def test_conversations_are_measured_and_counted(tmp_path: Path) -> None:
    scores = {"s": {"score": 0.7, "cost_usd": 1}, "l": {"score": 0.8, "cost_usd": 10}}
    path = tmp_path / "conversations.jsonl"
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Tell me about the {word} in this garden."},
                {"role": "assistant", "content": "It is green."},
                {"role": "user", "content": "Please continue."},
            ],
            "models": scores,
        }
        for word in WORDS[:9]
    ]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert evaluate(path, tiers="s,l")["n"] == 9
    options = ["--examples", str(path), "--tiers", "s,l", "--prompt", str(HAND_WRITTEN)]
    shown = CliRunner().invoke(app, ["evaluate", *options])
    assert "9 rows; 9 of them in a conversation." in " ".join(shown.output.split())


def test_queries_that_are_too_long_for_the_encoder_are_reported(tmp_path: Path) -> None:
    scores = {"s": {"score": 0.7, "cost_usd": 1}, "l": {"score": 0.8, "cost_usd": 10}}
    path = tmp_path / "long.jsonl"
    rows = [{"query": "some context " * 150 + f"question {n}", "models": scores} for n in range(9)]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    given = ["--examples", str(path), "--tiers", "s,l", "--prompt", str(HAND_WRITTEN)]
    result = CliRunner().invoke(app, ["evaluate", *given])
    assert "note: 100% of the queries are longer than the 190 words" in result.stderr


def test_the_document_has_the_documented_fields(examples: Path) -> None:
    document = evaluate(examples)
    policies = {policy["policy"]: policy for policy in document["policies"]}
    assert list(policies) == [*PROMPTS, *NAMES]
    assert list(document["shuffled_labels_against_random"]) == LEARNERS
    assert document["rows"] == "all"
    rows = [row for row in SOME if row.models]
    assert document["n"] == len(rows) < ROWS
    for policy in policies.values():
        objective, within = policy["objective"], policy["intervals"]
        assert objective["n"] == len(rows)
        assert objective["low"] <= objective["mean"] <= objective["high"]
        assert objective["mean"] == pytest.approx(policy["quality"] - 0.2 * policy["cost"])
        assert sum(policy["mix"].values()) == pytest.approx(1)
        for name in ("cost", "quality", "retention"):
            assert within[name]["low"] <= policy[name] <= within[name]["high"]
    assert policies["candidate"]["objective"] == policies["hand-written"]["objective"]
    assert policies["random"]["mix"] == pytest.approx(policies["candidate"]["mix"])
    assert set(document["against"]) == {*NAMES, *PROMPTS} - {"candidate"}


def test_constant_policies_match_the_recorded_results(examples: Path) -> None:
    document = evaluate(examples)
    policies = {policy["policy"]: policy for policy in document["policies"]}
    rows = [row.models for row in SOME if row.models]
    small, _, large = OFFLINE_MODELS
    spent = {name: sum(models[name].cost_usd for models in rows) for name in OFFLINE_MODELS}
    scored = {name: sum(models[name].score for models in rows) for name in OFFLINE_MODELS}
    assert policies["tier-1"]["cost"] == pytest.approx(spent[small] / spent[large])
    assert policies["tier-1"]["retention"] == pytest.approx(scored[small] / scored[large])
    assert document["tier_3_usd"] == pytest.approx(spent[large] / len(rows))


def test_a_prompt_learned_from_the_file_is_measured_on_held_out_rows(
    examples: Path, tmp_path: Path
) -> None:
    learned = packaged_prompt().model_copy(
        update={"provenance": {"examples": file_digest(examples)}}
    )
    prompt = tmp_path / "candidate.json"
    prompt.write_text(to_json(learned), "utf-8")
    document = evaluate(examples, "--prompt", str(prompt))
    assert document["rows"] == "held-out"
    assert 0 < document["n"] < ROWS / 2


def test_a_prompt_learned_from_another_file_is_named_with_the_measured_file(
    examples: Path, tmp_path: Path
) -> None:
    learned = packaged_prompt().model_copy(update={"provenance": {"examples": "0123456789abcdef"}})
    prompt = tmp_path / "candidate.json"
    prompt.write_text(to_json(learned), "utf-8")
    options = ["--examples", str(examples), "--tiers", THREE, "--prompt", str(prompt)]
    said = " ".join(CliRunner().invoke(app, ["evaluate", *options]).stderr.split())
    assert f"the candidate was learned from a file other than {examples}. If" in said


def test_two_tiers_and_an_unlisted_router_on_this_machine(
    examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-caller")
    with running_upstream(lambda _: completion("2")) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        two = f"{OFFLINE_MODELS[0]},{OFFLINE_MODELS[2]}"
        document = evaluate(examples, "--router-model", "openai/tiny", tiers=two)
    policies = {policy["policy"]: policy for policy in document["policies"]}
    assert "tier-2" not in policies
    assert set(policies["candidate"]["mix"]) == {"1", "3"}
    candidate, tier_3 = policies["candidate"], policies["tier-3"]
    assert candidate["mix"]["3"] == pytest.approx(1, abs=0.2)  # there is no Tier 2
    assert candidate["cost"] <= tier_3["cost"]


def test_heldout_measures_held_out_rows_only(examples: Path) -> None:
    every, held_out = evaluate(examples), evaluate(examples, "--heldout")
    assert (every["rows"], held_out["rows"]) == ("all", "held-out")
    assert 0 < held_out["n"] < every["n"]


def test_rows_that_are_left_out_are_reported_with_their_reasons(tmp_path: Path) -> None:
    rows = [row.model_dump(mode="json") for row in load_sample() if row.models][:40]
    for row in rows[4:]:
        del row["models"][OFFLINE_MODELS[1]]
    odd = {"query": ""}
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join(map(json.dumps, [*rows, rows[0], odd])), "utf-8")
    document = evaluate(path)
    assert (document["n"], document["templates"]) == (4, 4)
    assert document["left_out"] == {
        f"lack a result of {OFFLINE_MODELS[1]}": 36,
        "on lines that cannot be read as examples": 1,
    }
    options = ["--examples", str(path), "--tiers", THREE, "--prompt", str(HAND_WRITTEN)]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["evaluate", *options])
    assert (
        f"4 of 42 rows used; 36 lack a result of {OFFLINE_MODELS[1]}; 1 on lines that cannot be "
        "read as examples; 1 merged into equal ones, which count for them.\n"
    ) in result.stdout
    assert "note: 1 of 42 lines of " in result.stderr


def test_without_a_complete_row_the_error_says_what_is_missing(tmp_path: Path) -> None:
    small, _, large = OFFLINE_MODELS
    rows = [
        {"query": f"query {n}", "models": {name: {"score": 1, "cost_usd": 1}}}
        for n, name in enumerate((small, large))
    ]
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    options = ["--examples", str(path), "--tiers", f"{small},{large}"]
    result = CliRunner().invoke(app, ["evaluate", *options, "--prompt", str(HAND_WRITTEN)])
    assert str(result.exception) == (
        f"No row has results of all tiers: 0 of 2 rows used; 1 lacks a result of {large}; "
        f"1 lacks a result of {small}."
    )


def test_rows_of_few_templates_are_reported(tmp_path: Path) -> None:
    result = {"score": 1, "cost_usd": 1}
    rows = [
        {
            "query": f"Where is the {thing} that I ordered as {n}?",
            "models": {"s": result, "l": result},
        }
        for thing in ("bag", "hat")
        for n in range(6)
    ]
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    options = ["--examples", str(path), "--tiers", "s,l", "--prompt", str(HAND_WRITTEN)]
    found = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["evaluate", *options])
    assert found.stdout.startswith("12 rows; they are from 2 templates (queries that differ only")
    assert evaluate(path, tiers="s,l")["templates"] == 2


def test_equal_queries_weigh_as_much_as_they_occur(tmp_path: Path) -> None:
    def row(query: str, small: int) -> str:
        results = {"s": {"score": small, "cost_usd": 1}, "l": {"score": 1, "cost_usd": 2}}
        return json.dumps({"query": query, "models": results})

    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join([row("Where is my bag?", 1)] * 3 + [row("And my hat?", 0)]), "utf-8")
    document = evaluate(path, tiers="s,l")
    quality = {policy["policy"]: policy["quality"] for policy in document["policies"]}
    assert (document["n"], quality["tier-1"]) == (2, pytest.approx(0.75))


def test_a_failing_router_is_an_error(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-caller")
    with running_upstream(lambda _: failure(400)) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        options = ["--examples", str(examples), "--tiers", THREE, "--prompt", str(HAND_WRITTEN)]
        result = CliRunner().invoke(app, ["evaluate", *options, "--router-model", "openai/tiny"])
    assert result.exit_code == 1
    assert result.stdout == ""


def test_the_table_shows_every_figure_in_80_columns(examples: Path) -> None:
    options = ["--examples", str(examples), "--tiers", THREE, "--prompt", str(HAND_WRITTEN)]
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["evaluate", *options])
    assert all(name in result.stdout for name in (*NAMES, *PROMPTS))
    assert "…" not in result.stdout
    assert re.search(r" [+−]0\.\d\d to [+−]0\.\d\d *$", result.stdout, re.MULTILINE)
    assert not re.search(r"-\d", result.stdout.replace("tier-", "")), "one minus sign, −"


def told(path: Path, rows: int, costs: tuple[float, float], small: float) -> str:
    """Write rows with these costs of two tiers, whose small model is as good as `small` says;
    return what `evaluate` prints."""
    written = [
        {
            "query": f"{word} is a word about {word}s?",
            "models": {
                "s": {"score": int(number < small * rows), "cost_usd": costs[0]},
                "l": {"score": 1, "cost_usd": costs[1]},
            },
        }
        for number, word in enumerate(WORDS[:rows])
    ]
    path.write_text("\n".join(map(json.dumps, written)), "utf-8")
    options = ["--examples", str(path), "--tiers", "s,l", "--prompt", str(HAND_WRITTEN)]
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["evaluate", *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_verdict_names_the_best_constant_policy(tmp_path: Path) -> None:
    said = told(tmp_path / "e.jsonl", 40, (1, 100), 1.0)
    assert "oute with this prompt: its objective minus that of sending everything to Tier" in said
    assert "the best constant policy, is" in said
    assert "note: " not in said


def test_few_rows_and_reversed_tiers_are_noted(tmp_path: Path) -> None:
    said = told(tmp_path / "e.jsonl", 12, (3, 1), 0.5)
    assert "note: the intervals rest on 12 different rows. With fewer than 30" in said
    assert "note: Tier 1 costs 3 times as much as Tier 3 on average." in said


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [
        (["--tiers", "a,b,c"], "offline/large, offline/medium, offline/small", 2),
        (["--tiers", OFFLINE_MODELS[0]], "two or three different models", 2),
        (["--lambda", "-0.1"], "--lambda is -0.1", 2),
        (["--lambda", "nan"], "--lambda is nan", 2),
        (["--price", "a=b"], "--price a=b cannot be read", 2),
        (["--examples", "nowhere.jsonl"], "nowhere.jsonl", 1),
        (["--prompt", "README.md"], "front matter", 1),
        (["--router-model", "gpt-4"], "not a model name", 2),
    ],
)
def test_wrong_input_prints_one_line(
    examples: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    reason: str,
    code: int,
) -> None:
    given = {"--examples": str(examples), "--tiers": THREE, "--prompt": str(HAND_WRITTEN)}
    given |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    words = [word for pair in given.items() for word in pair]
    monkeypatch.setattr("sys.argv", ["route-switch", "evaluate", *words])
    with pytest.raises(SystemExit) as ended:
        run()
    printed = capsys.readouterr()
    assert ended.value.code == code
    assert printed.err.startswith("error: ")
    assert reason in printed.err
