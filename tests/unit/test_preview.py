"""Where a prompt would send the requests of a log, and the costs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from route_switch.cli.main import app
from route_switch.domain.learning.example import Example, RecordedResult
from route_switch.domain.pricing import Price
from route_switch.domain.tiers import Tier
from route_switch.services.learning.preview_costs import missing_evidence, preview_costs
from route_switch.services.learning.route_examples import RoutedExample

PRICES = {
    tier: Price(input_usd_per_million=usd, output_usd_per_million=2 * usd)
    for tier, usd in ((Tier.SMALL, 1.0), (Tier.LARGE, 10.0))
}
MODELS = {Tier.SMALL: "small", Tier.LARGE: "large"}
PROOF = "Prove that every bounded monotone sequence of real numbers converges."


def example(query: str, workload: str | None = None, weight: float = 1.0) -> Example:
    known = RecordedResult(input_tokens=1_000_000, output_tokens=500_000)
    return Example(query=query, models={"small": known}, workload=workload, weight=weight)


def test_costs_are_the_tokens_of_the_log_at_list_prices() -> None:
    examples = [example("a", "x", weight=3), example("b", "y")]
    routed = [RoutedExample(Tier.SMALL, 0.5, 1.0), RoutedExample(Tier.LARGE, 0.0, 0.0, asked=False)]
    total, by_workload = preview_costs(examples, routed, PRICES)
    assert total.tier_3_usd == pytest.approx(4 * 20)
    assert total.routed_usd == pytest.approx(3 * 2 + 20 + 3 * 0.5)
    assert (total.weight, total.bypassed) == (4, 1)
    assert by_workload["x"].mix == {Tier.SMALL: 3, Tier.MEDIUM: 0, Tier.LARGE: 0}
    assert by_workload["y"].ratio == 1


def test_the_missing_answers_and_their_cost_are_reported() -> None:
    missing = missing_evidence([example("a"), example("b")], MODELS, PRICES)
    assert missing.answers == 2
    assert missing.usd == pytest.approx(40)


def previewed(path: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["preview", str(path), *arguments])
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.output


def test_a_raw_log_is_previewed_without_a_key(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = [
        {"messages": [{"role": "user", "content": text}], "model": "m", "workload": name}
        for text, name in ((PROOF, "math"), ("Say hello to my aunt in one short line.", "chat"))
    ]
    log.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    said = previewed(log, "--tiers=openai/gpt-4.1-nano,openai/gpt-4.1")
    assert "These figures do not say how good the answers are." in said
    assert "4 answers are needed" in said
    for name in ("math", "chat", "all"):
        assert name in said


def test_a_model_without_a_list_price_needs_one(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"query": PROOF}), "utf-8")
    done = CliRunner().invoke(app, ["preview", str(log), "--tiers=mine,openai/gpt-4.1"])
    assert done.exit_code == 1
    assert "No list price is known for mine. Set one with --price mine=" in str(done.exception)


def test_no_more_than_the_sample_is_routed(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(json.dumps({"query": f"{PROOF} {n}"}) for n in range(20)), "utf-8")
    said = previewed(log, "--tiers=openai/gpt-4.1-nano,openai/gpt-4.1", "--sample=5")
    assert "all" in said
    assert "10 answers are needed" in said
