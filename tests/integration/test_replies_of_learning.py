"""`optimize` counts and shows replies that it does not understand, and stops at too many."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.models.learning_clients import learning_clients
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.main import app
from route_switch.domain.learning.example import Example
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import Tier
from route_switch.services.learning.build_outcomes import BuildOutcomes
from tests.integration.conftest import CATALOG
from tests.integration.test_fitted_parameters import picky, refusal
from tests.support.learning import EXAMPLES
from tests.support.paid import metered
from tests.support.upstream import Body, Reply, Upstream, completion, running_upstream

TIERS = "openai/small,openai/large"


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    with running_upstream(lambda _: completion("Hi.")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        yield server


def by_model(**replies: Any) -> Any:
    def script(body: Body) -> Reply:
        reply = replies[str(body["model"])]
        said = reply(body) if callable(reply) else reply
        return said if isinstance(said, Reply) else completion(said)

    return script


def optimize(folder: Path, rows: list[dict[str, Any]], *options: str) -> Result:
    file = folder / "examples.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    given = ["--examples", str(file), "--out", str(folder / "run"), "--threads", "4"]
    # A server on this machine is free, and free tiers can be compared by quality only.
    return CliRunner().invoke(app, ["optimize", *given, "--lambda", "0", *options])


def queries(count: int = 60) -> list[dict[str, Any]]:
    return [{"query": example.query} for example in EXAMPLES[:count]]


def message(result: Result) -> str:
    assert result.exit_code != 0
    return " ".join(f"{result.output} {result.exception}".split())


@pytest.mark.parametrize(
    "said",
    ["I like both of them.", "Verdict: A\nVerdict: B", '{"verdict": "unclear"}'],
)
def test_a_judge_without_verdicts_stops_the_run_and_condemns_nothing(
    tmp_path: Path, upstream: Upstream, said: str
) -> None:
    upstream.script = by_model(small="one", large="two", judge=said)
    options = ("--tiers", TIERS, "--judge-model", "openai/judge")
    shown = message(optimize(tmp_path, queries(), *options))
    assert "openai/judge gave no verdict that can be read" in shown
    assert "Use another judge, or raise --max-not-understood" in shown
    judged = upstream.models_called().count("judge")
    assert judged < 4 * 40, "it stops long before the last of 60 pairs"
    assert not (tmp_path / "run" / "outcomes.jsonl.gz").exists()


def test_a_router_that_names_no_tier_stops_the_run_before_the_search(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.script = by_model(router="This query is about parcels.")
    rows = [example.model_dump(mode="json") for example in EXAMPLES]
    names = "fake/small,fake/medium,fake/large"
    options = ("--tiers", names, "--router-model", "openai/router", "--proposer-model")
    shown = message(optimize(tmp_path, rows, *options, "offline/proposer"))
    assert "queries that openai/router was asked about, its reply names no tier (100.0%" in shown
    assert set(upstream.models_called()) == {"router"}
    assert len(upstream.calls) <= 2 * len(EXAMPLES)


def test_refusals_show_the_providers_words_and_are_asked_again_by_the_same_command(
    tmp_path: Path, upstream: Upstream
) -> None:
    stubborn = by_model(small=lambda _: refusal("logit_bias", "Remove it."), large="two")
    upstream.script = stubborn
    options = ("--tiers", TIERS, "--judge-model", "openai/judge")
    shown = message(optimize(tmp_path, queries(), *options))
    assert "In 60 of 60 examples that tiers were asked, a provider refused" in shown
    assert "Unsupported parameter: 'logit_bias'. Remove it." in shown
    upstream.calls.clear()
    upstream.script = by_model(small="one", large="two", judge="none")
    assert "openai/judge gave no verdict" in message(optimize(tmp_path, queries(), *options))
    assert upstream.models_called().count("small") == 60, "asked again"
    assert upstream.models_called().count("large") == 0, "not paid twice"


def test_tiers_that_refuse_parameters_are_asked_without_them() -> None:
    with running_upstream(picky) as upstream:
        config = RouterConfig(models=CATALOG, openai_base_url=upstream.url)
        calls = metered(learning_clients(config, lambda _: None)("openai"))
        examples = [
            Example(query=f"question {n}", gold="2", params={"temperature": 0, "stream": True})
            for n in range(5)
        ]
        models = {Tier.SMALL: "openai/small", Tier.LARGE: "openai/large"}
        built = BuildOutcomes(calls, None, 1)(examples, models, {})
    assert (len(built.table.rows), built.left_out) == (5, {})
    assert not any("stream" in call for call in upstream.calls)


def evaluate(folder: Path, rows: list[dict[str, Any]], *options: str) -> Result:
    file, prompt = folder / "examples.jsonl", folder / "prompt.md"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    prompt.write_text(to_markdown(packaged_prompt()), "utf-8")
    given = ["--examples", str(file), "--prompt", str(prompt)]
    return CliRunner().invoke(app, ["evaluate", *given, *options])


def test_evaluate_warns_of_replies_without_a_tier_and_ends_if_there_is_no_other(
    tmp_path: Path, upstream: Upstream
) -> None:
    rows = [example.model_dump(mode="json") for example in EXAMPLES[:30]]
    options = ("--tiers", "fake/small,fake/medium,fake/large", "--router-model", "openai/router")

    def mumbles(body: Body) -> str:
        return "Well." if "proofs" in json.dumps(body["messages"][-1:]) else "1"  # type: ignore[index]

    upstream.script = by_model(router=mumbles)
    warned = evaluate(tmp_path, rows, *options)
    assert warned.exit_code == 0, warned.output
    assert "openai/router names no tier for 10 of 30 queries (33.3%)" in warned.stderr
    upstream.script = by_model(router="Well.")
    assert "names no tier for any of 30 queries" in message(evaluate(tmp_path, rows, *options))


def test_evaluate_measures_nothing_on_golds_that_tier_3_does_not_meet(tmp_path: Path) -> None:
    """Each small answer is wrong; the large ones are right, but in words that state no letter."""
    said = {"s": "Es muss C sein", "l": "Das zweite, weil es als Einziges passt."}
    rows = [
        {
            "query": f"Question {n} with its options.",
            "gold": "B",
            "models": {name: {"answer": text, "cost_usd": 0.01} for name, text in said.items()},
        }
        for n in range(12)
    ]
    shown = message(evaluate(tmp_path, rows, "--tiers", "s,l"))
    assert "12 with a gold answer that was not recognized in Tier 3's own answer" in shown


def test_evaluate_reads_golds_in_german(tmp_path: Path) -> None:
    said = {"s": "Es muss C sein", "l": "Es muss B sein"}
    rows = [
        {
            "query": f"Question {n} with its options.",
            "gold": "B",
            "models": {
                name: {"answer": text, "cost_usd": 0.01 if name == "s" else 1.0}
                for name, text in said.items()
            },
        }
        for n in range(12)
    ]
    result = evaluate(tmp_path, rows, "--tiers", "s,l", "--json")
    assert result.exit_code == 0, result.output
    figures = {policy["policy"]: policy for policy in json.loads(result.stdout)["policies"]}
    assert figures["tier-1"]["quality"] == 0.0
    assert figures["tier-3"]["quality"] == figures["tier-3"]["retention"] == 1.0
