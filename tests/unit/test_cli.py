"""`route-switch route`, and how the command reports errors."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from route_switch.cli.main import app, run
from route_switch.domain.learning.example import query_key
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import parse_prompt, to_json
from tests.support.upstream import Reply, completion, failure, running_upstream

ROWS = [
    {"id": "a", "query": "hello"},
    {"id": 7, "query": "How do I track the delivery of my new bank card?", "gold": "unused"},
    {"id": "c", "query": "Derive the derivative of arctan with calculus."},
]
HAND_WRITTEN = Path("layers/core/python/route_switch/data/hand_written.md")


def route(*arguments: str | Path) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, ["route", "--json", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "queries.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)) + "\n\n", "utf-8")
    return path


def test_each_query_gets_one_line_with_the_documented_fields(queries: Path) -> None:
    lines = route("--queries", queries)
    assert [line["id"] for line in lines] == ["a", 7, "c"]
    fields = {"id", "tier", "reason", "prompt_version", "router_tokens", "latency_ms"}
    assert all(set(line) == fields for line in lines)
    assert [line["reason"] for line in lines] == ["bypass", "router", "router"]
    assert lines[0]["tier"] == 1
    assert lines[0]["router_tokens"] == 0


def test_an_id_is_optional_and_defaults_to_the_querys_key(tmp_path: Path) -> None:
    file = tmp_path / "examples.jsonl"
    rows = [{"query": "hello", "models": {}}, {"id": None, "query": "Hello ", "gold": ["a", "b"]}]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert [line["id"] for line in route("--queries", file)] == [query_key("hello")] * 2


def test_queries_that_the_encoder_does_not_understand_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "queries.jsonl"
    rows = [{"query": "请证明每个偶数都是两个素数的和"}, {"query": "Prove it in full."}]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    result = CliRunner().invoke(app, ["route", "--queries", str(file)])
    assert "note: 50% of the queries are not in Latin script. local/encoder" in result.stderr


@pytest.mark.parametrize(("long", "told"), [(1, True), (0, False)])
def test_queries_that_are_too_long_for_the_encoder_are_reported(
    tmp_path: Path, long: int, told: bool
) -> None:
    file = tmp_path / "queries.jsonl"
    rows = [{"query": "some context " * 150 + "Prove it."}] * long + [{"query": "Prove it."}] * 9
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    result = CliRunner().invoke(app, ["route", "--queries", str(file)])
    assert ("note: 10% of the queries are longer than the 190 words" in result.stderr) == told


def test_explanations_name_the_criterion_that_is_most_like_the_query(queries: Path) -> None:
    plain, explained = route("--queries", queries), route("--queries", queries, "--explain")
    assert [line["tier"] for line in explained] == [line["tier"] for line in plain]
    told = json.dumps(explained[1]["explanation"])
    assert "The text of that tier that is most like the query is criterion" in told
    assert "fewer than 8, so it goes to Tier 1" in json.dumps(explained[0]["explanation"])
    shown = CliRunner().invoke(app, ["route", "--queries", str(queries), "--explain"]).stdout
    assert (
        "7  Tier 1 (router)\n  The router (local/encoder, which compares texts) compared" in shown
    )


def test_an_llm_as_the_router_is_asked_for_its_reason_after_each_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps(ROWS[2]), "utf-8")
    with running_upstream(
        lambda body: completion("101" if "Which one of them" in str(body) else "3")
    ) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
        options = ("--queries", file, "--router-model", "openai/m", "--prompt", HAND_WRITTEN)
        [line] = route(*options, "--explain")
    assert "named criterion 1 of Tier 3" in json.dumps(line["explanation"])
    assert len(upstream.calls) == 3


def test_a_query_is_routed_with_its_conversation(tmp_path: Path) -> None:
    asked = {"role": "user", "content": "Prove that there are infinitely many primes."}
    talk = [asked, {"role": "assistant", "content": "Suppose not."}]
    more = {"role": "user", "content": "go on"}
    file = tmp_path / "queries.jsonl"
    rows = [
        {"query": "go on"},
        {"query": "go on", "conversation": talk},
        {"messages": [*talk, more]},
        {"query": "go on", "params": {"tools": [{"type": "function", "function": {"name": "f"}}]}},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    lines = route("--queries", file)
    assert [line["reason"] for line in lines] == ["bypass", "router", "router", "router"]
    assert lines[1]["id"] == lines[2]["id"] != lines[0]["id"]
    assert lines[1]["tier"] == lines[2]["tier"]
    explained: Any = route("--queries", file, "--explain")
    for line, told in zip(lines, explained, strict=True):
        evidence = told["explanation"]["evidence"]
        scores: Any = evidence["scores"] if evidence else {str(line["tier"]): 1.0}
        assert max(scores, key=scores.get) == str(line["tier"])


def test_no_bypass_sends_every_query_to_the_router(queries: Path) -> None:
    assert {line["reason"] for line in route("--queries", queries, "--no-bypass")} == {"router"}


def test_the_prompt_may_be_markdown_or_json_and_the_input_gzipped(
    queries: Path, tmp_path: Path
) -> None:
    as_json = tmp_path / "prompt.json"
    as_json.write_text(to_json(parse_prompt(HAND_WRITTEN.read_text("utf-8"))), "utf-8")
    zipped = tmp_path / "queries.jsonl.gz"
    zipped.write_bytes(gzip.compress(queries.read_bytes()))

    def decisions(*arguments: str | Path) -> list[tuple[object, ...]]:
        lines = route(*arguments)
        return [(line["tier"], line["prompt_version"], line["router_tokens"]) for line in lines]

    expected = decisions("--queries", queries)
    assert decisions("--queries", zipped, "--prompt", as_json) == expected
    assert decisions("--queries", queries, "--prompt", HAND_WRITTEN) == expected


def test_swapping_the_tiers_in_the_prompt_swaps_the_decisions(
    queries: Path, tmp_path: Path
) -> None:
    text = HAND_WRITTEN.read_text("utf-8")
    swapped = tmp_path / "swapped.md"
    swapped.write_text(
        text.replace("Tier 1", "Tier X").replace("Tier 3", "Tier 1").replace("Tier X", "Tier 3"),
        "utf-8",
    )
    before = [line["tier"] for line in route("--queries", queries, "--no-bypass")]
    after = [
        line["tier"] for line in route("--queries", queries, "--no-bypass", "--prompt", swapped)
    ]
    assert {1, 3} <= set(before)
    assert after == [{1: 3, 3: 1}.get(int(str(tier)), tier) for tier in before]


def test_a_remote_router_model_is_called_with_the_key_from_the_environment(
    queries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-caller")
    with running_upstream(lambda _: completion("Tier 3", 50, 2)) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        lines = route("--queries", queries, "--router-model", "openai/tiny")
    assert [line["tier"] for line in lines] == [1, 3, 3]
    assert [line["router_tokens"] for line in lines] == [0, 52, 52]
    assert {call["model"] for call in upstream.calls} == {"tiny"}
    assert upstream.headers[0]["authorization"] == "Bearer sk-of-the-caller"


def test_failing_router_calls_fall_back_to_the_safe_tier_with_a_warning(
    queries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_upstream(lambda _: failure(500)) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        result = CliRunner().invoke(
            app, ["route", "--json", "--queries", str(queries), "--router-model", "openai/tiny"]
        )
    assert [json.loads(line)["reason"] for line in result.stdout.splitlines()] == [
        "bypass",
        "fallback",
        "fallback",
    ]
    assert "2 of 3 queries" in result.stderr
    assert result.exit_code == 1


def test_route_prints_the_providers_words_when_a_model_refuses_a_parameter(
    queries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "Unsupported value: 'reasoning' does not support 'none' with this model."
    error: JsonObject = {"message": words, "type": "invalid_request_error", "param": "reasoning"}
    with running_upstream(lambda _: Reply({"error": error}, 400)) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        result = CliRunner().invoke(
            app, ["route", "--queries", str(queries), "--router-model", "openai/tiny"]
        )
    assert result.exit_code == 1
    assert words.rstrip(".") in " ".join(result.stderr.split())


@pytest.mark.parametrize("failing", [1, 2])
def test_a_failed_router_call_prints_the_table_and_a_count_and_exits_with_1(
    queries: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    replies = iter([*[failure(500)] * failing, *[completion("3")] * (2 - failing)])
    with running_upstream(lambda _: next(replies)) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        result = CliRunner().invoke(
            app, ["route", "--queries", str(queries), "--router-model", "openai/tiny"]
        )
    assert result.exit_code == 1
    assert result.stdout.count("fallback") == failing
    assert "bypass" in result.stdout
    assert f"no usable reply for {failing} of 3 queries" in result.stderr


def test_the_table_prints_markup_in_queries_literally(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text(json.dumps({"id": "[red]", "query": "[bold]x[/] = [1]"}), "utf-8")
    result = CliRunner().invoke(app, ["route", "--queries", str(path)])
    assert "[red]" in result.stdout
    assert "[bold]x[/] = [1]" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("content", "arguments", "reason", "code"),
    [
        ('{"id": 1, "query": "x"}\n{"id": 2}\n', [], "line 2: query is missing", 1),
        ("not json\n", [], "line 1", 1),
        ('{"id": 1, "query": 5}', [], "line 1: query", 1),
        ('{"id": 1, "query": "x"}', ["--prompt", "nowhere.md"], "nowhere.md cannot be read", 1),
        ('{"id": 1, "query": "x"}', ["--prompt", "README.md"], "front matter", 1),
        ('{"id": 1, "query": "x"}', ["--router-model", "gpt-4"], "not a model name", 2),
        (None, [], "cannot be read", 1),
    ],
)
def test_wrong_input_prints_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
    arguments: list[str],
    reason: str,
    code: int,
) -> None:
    path = tmp_path / "queries.jsonl"
    if content is not None:
        path.write_text(content, "utf-8")
    monkeypatch.setattr("sys.argv", ["route-switch", "route", "--queries", str(path), *arguments])
    with pytest.raises(SystemExit) as ended:
        run()
    printed = capsys.readouterr()
    assert ended.value.code == code
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert reason in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_a_query_without_text_is_refused_and_not_routed(tmp_path: Path, query: str) -> None:
    file = tmp_path / "queries.jsonl"
    file.write_text(json.dumps({"query": query}), "utf-8")
    failed = CliRunner().invoke(app, ["route", "--queries", str(file)]).exception
    assert "line 1: query must contain text. Each line needs" in str(failed)


@pytest.mark.parametrize(
    "command",
    [
        ("route", "--queries", "x", "--profile", "bogus"),
        ("optimize", "--examples", "x", "--tiers", "a,b", "--out", "y", "--strategy", "bogus"),
    ],
)
def test_an_unknown_choice_is_named_with_the_choices(command: tuple[str, ...]) -> None:
    failed = CliRunner().invoke(app, command)
    assert failed.exit_code == 2
    assert "'bogus' is not one of '" in " ".join(failed.output.split())
    assert "Value error" not in failed.output
