"""`--profile` of the commands that route, measure and explain."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.main import app
from route_switch.domain.prompt_document import to_json
from tests.support.local_models import with_local_model
from tests.support.upstream import Reply, completion, running_upstream
from tests.unit.test_explain import DECISION

LONG = "Explain in detail how the tides on Earth depend on the Moon and on the Sun."
ROUTER = ("--router-model", "openai/m")


@pytest.fixture
def says_2(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    with running_upstream(lambda _: completion("2")) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        yield


def run(command: str, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [command, *map(str, arguments)])


@pytest.mark.usefixtures("says_2")
@pytest.mark.parametrize(("profile", "tier"), [("quality", 3), ("balanced", 2), ("cost", 1)])
def test_route_shows_what_a_profile_does(tmp_path: Path, profile: str, tier: int) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text(json.dumps({"query": LONG}), "utf-8")
    result = run("route", "--queries", queries, *ROUTER, "--profile", profile, "--json")
    line = json.loads(result.stdout)
    assert (line.get("profile", "balanced"), line["tier"]) == (profile, tier)


def test_a_local_model_routes_with_the_profiles_lambda(tmp_path: Path) -> None:
    queries, file = tmp_path / "queries.jsonl", tmp_path / "candidate.json"
    queries.write_text(json.dumps({"query": "prove " * 20}), "utf-8")
    file.write_text(to_json(with_local_model(packaged_prompt(), "local")), "utf-8")
    tiers = []
    for profile in ("quality", "balanced", "cost"):
        options = ("--queries", queries, "--prompt", file, "--profile", profile, "--json")
        tiers.append(json.loads(run("route", *options).stdout)["tier"])
    assert tiers == sorted(tiers, reverse=True)
    assert tiers[0] == 3


@pytest.mark.usefixtures("says_2")
def test_evaluate_measures_a_profile(tmp_path: Path) -> None:
    scores = {name: {"score": 1, "cost_usd": usd} for name, usd in (("s", 1), ("m", 2), ("l", 9))}
    examples, prompt = tmp_path / "log.jsonl", tmp_path / "prompt.json"
    rows = [{"query": f"{LONG} {word}", "models": scores} for word in ("one", "two", "three")]
    examples.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    prompt.write_text(to_json(packaged_prompt()), "utf-8")
    options = ("--examples", examples, "--tiers", "s,m,l", "--prompt", prompt, *ROUTER)
    result = run("evaluate", *options, "--price", "openai/m=0,0", "--profile", "cost", "--json")
    found = json.loads(result.stdout)
    assert found["profile"] == "cost"
    [candidate] = [each for each in found["policies"] if each["policy"] == "candidate"]
    assert candidate["mix"] == {"1": 1.0, "2": 0.0, "3": 0.0}
    table = run("evaluate", *options, "--price", "openai/m=0,0", "--profile", "cost").stdout
    assert "profile cost" in " ".join(table.split())


def test_explain_asks_with_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with running_upstream(lambda _: Reply(DECISION)) as api:
        options = ("--endpoint", api.url, "--api-key", "k", "--profile", "cost", "--deep")
        assert run("explain", "Why is it so?", *options).exit_code == 0
    assert api.calls[0]["route_switch"] == {"explain": True, "profile": "cost"}


@pytest.mark.parametrize("command", ["route", "evaluate", "explain"])
def test_an_unknown_profile_is_refused_with_the_names(command: str) -> None:
    result = run(command, "--profile", "cheap")
    assert result.exit_code == 2
    assert all(name in result.output for name in ("quality", "balanced", "cost"))
