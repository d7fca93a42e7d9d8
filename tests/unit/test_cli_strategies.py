"""`route` and `evaluate` with a candidate that has a local model."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.main import app
from route_switch.domain.errors import LocalModelError
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt
from tests.support.local_models import numbers, with_local_model
from tests.support.upstream import completion, running_upstream

LOCAL = with_local_model(packaged_prompt(), "local")
HYBRID = with_local_model(packaged_prompt(), "hybrid", ask_below=0.2)
HELLO, PROVE = "hello " * 20, "prove " * 20
NO_ENCODER = ("--router-model", "openai/none")


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    file = tmp_path / "queries.jsonl"
    file.write_text("\n".join(json.dumps({"query": text}) for text in (HELLO, PROVE, "hi")))
    return file


def write(folder: Path, markdown: RoutingPrompt, artifact: RoutingPrompt | None = None) -> Path:
    """Write candidate.md, and candidate.json beside it if there is an artifact."""
    if artifact is not None:
        (folder / "candidate.json").write_text(to_json(artifact), "utf-8")
    file = folder / "candidate.md"
    file.write_text(to_markdown(markdown), "utf-8")
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["route", *map(str, arguments)])


def route(*arguments: str | Path) -> list[dict[str, Any]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("name", ["candidate.json", "candidate.md"])
def test_a_local_model_routes_without_a_router_model(
    queries: Path, tmp_path: Path, name: str
) -> None:
    write(tmp_path, LOCAL, LOCAL)
    lines = route("--queries", queries, "--prompt", tmp_path / name, *NO_ENCODER)
    assert [line["tier"] for line in lines] == [1, 3, 1]
    assert [line["reason"] for line in lines] == ["router", "router", "bypass"]
    assert {line["router_tokens"] for line in lines} == {0}


@pytest.mark.parametrize("beside", [None, with_local_model(packaged_prompt(), of=numbers(0.3))])
def test_markdown_without_its_numbers_is_refused_and_names_the_json(
    queries: Path, tmp_path: Path, beside: RoutingPrompt | None
) -> None:
    file = write(tmp_path, HYBRID, beside)
    for command in ("route", "evaluate"):
        options = ["--queries", str(queries)]
        if command == "evaluate":
            options = ["--examples", str(queries), "--tiers", "s,l"]
        result = CliRunner().invoke(app, [command, *options, "--prompt", str(file)])
        assert isinstance(result.exception, LocalModelError)
        assert "does not hold its numbers. Use the candidate.json" in str(result.exception)


def test_hybrid_asks_the_router_model_where_the_local_model_is_unsure(
    queries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, HYBRID, HYBRID)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    with running_upstream(lambda _: completion("2")) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        options = ("--queries", queries, "--prompt", file, "--router-model", "openai/m")
        lines = route(*options)
        assert [line["tier"] for line in lines] == [2, 3, 1]
        assert len(upstream.calls) == 1
        explained = route(*options, "--explain")
    told = [json.dumps(line["explanation"], ensure_ascii=False) for line in explained]
    assert "For the local model, Tier 1 leads by only 0.195 points" in told[0]
    assert "so the router LLM (openai/m) was asked. It chose Tier 2." in told[0]
    assert "chose Tier 3, without a router call: the tier leads by 0.327 points" in told[1]
    assert "Tier 1 0%, Tier 2 50%, Tier 3 100%" in told[1]
    assert "fewer than 8, so it goes to Tier 1" in told[2]


def test_a_failing_router_model_is_an_error_though_the_local_model_decides(
    queries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, HYBRID, HYBRID)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    with running_upstream(lambda _: completion("no idea")) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        result = run("--queries", queries, "--prompt", file, "--router-model", "openai/m")
    assert result.exit_code == 1
    assert "for 1 of 3 queries; the local model decided alone." in result.stderr


def test_a_local_choice_is_explained_by_the_features_that_speak_for_it(
    queries: Path, tmp_path: Path
) -> None:
    file = write(tmp_path, LOCAL, LOCAL)
    options = ("--queries", queries, "--prompt", file, *NO_ENCODER, "--explain")
    hello, prove, _ = (line["explanation"]["sentences"] for line in route(*options))
    assert "The local model chose Tier 1, without a router call." in hello
    assert any("for Tier 1 against Tier 3, in log-odds: “hello” (+7.07)." in s for s in hello)
    assert any("Objective, chance − 0.2 × cost" in sentence for sentence in prove)


@pytest.mark.parametrize("options", [(), ("--no-bypass",)])
def test_a_learned_bypass_replaces_the_default_unless_it_is_off(
    queries: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    learned = LOCAL.model_copy(update={"bypass_tokens": 1000})
    file = write(tmp_path, learned, learned)
    lines = route("--queries", queries, "--prompt", file, *NO_ENCODER, *options)
    assert {line["reason"] for line in lines} == ({"router"} if options else {"bypass"})


def test_evaluate_measures_a_candidate_with_a_local_model(tmp_path: Path) -> None:
    examples = tmp_path / "log.jsonl"
    rows = [_row(f"{word} " * 20 + str(n), word == "hello") for n in range(40) for word in WORDS]
    examples.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    write(tmp_path, LOCAL, LOCAL)
    arguments = ["--tiers", "small,large", "--prompt", str(tmp_path / "candidate.json"), "--json"]
    result = CliRunner().invoke(app, ["evaluate", "--examples", str(examples), *arguments])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    by_name = {each["policy"]: each for each in found["policies"]}
    assert by_name["candidate"]["quality"] == 1.0
    assert by_name["candidate"]["cost"] < 0.6


WORDS = ("hello", "prove")


def _row(query: str, easy: bool) -> dict[str, Any]:
    models = {
        "small": {"score": float(easy), "cost_usd": 1},
        "large": {"score": 1.0, "cost_usd": 10},
    }
    return {"query": query, "models": models}
