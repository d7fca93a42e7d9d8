"""By the server's own count, the cap holds in every step, and nothing is paid twice."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.model_options import prices
from route_switch.cli.route import router_config
from route_switch.domain.pricing import Price
from route_switch.optimizer.run_estimate import growth_usd
from tests.support.scripted_models import (
    Learner,
    Models,
    numbers,
    recorded,
    ungraded,
    with_gold,
    write_examples,
)
from tests.support.upstream import running_upstream

JUDGE = "--judge-model=openai/judge"
HELDOUT = 8
ANSWER = {"openai/large": (1000.0, 10.0)}
PROPOSER = {"openai/proposer": (100.0, 100.0)}
ROUTER = {"openai/router": (100.0, 100.0)}


@dataclass(frozen=True)
class CapCase:
    """A step in which the cap is reached: the examples, prices and cap that lead there, and the
    models that have been called by then, or not."""

    with_results: bool
    usd_per_million: Mapping[str, tuple[float, float]]
    cap_usd: float
    asked: frozenset[str]
    not_asked: frozenset[str]


def reserved_usd() -> float:
    """Return the amount that the search must leave, at the router's price."""
    price = Price(input_usd_per_million=100, output_usd_per_million=100)
    growth = growth_usd(packaged_prompt(), router_config("openai/router"), {"openai/router": price})
    return HELDOUT * growth


ANSWERS = CapCase(False, ANSWER, 1.3, frozenset({"large"}), frozenset({"judge", "proposer"}))
PROPOSALS = CapCase(False, PROPOSER, 1.5, frozenset({"large", "judge", "proposer"}), frozenset())
TRIALS = CapCase(True, ROUTER, reserved_usd() + 7.5, frozenset({"proposer", "router"}), frozenset())


def write(folder: Path, with_results: bool) -> Path:
    """Without results, gold answers grade one half, and the judge the other."""
    kinds = (recorded, recorded) if with_results else (with_gold, ungraded)
    chosen = numbers(train=20, validation=12, heldout=HELDOUT)
    rows = [kinds[place % 2](number) for place, number in enumerate(chosen)]
    return write_examples(folder / "examples.jsonl", rows)


def price_options(usd_per_million: Mapping[str, tuple[float, float]]) -> list[str]:
    return [f"--price={m}={read},{written}" for m, (read, written) in usd_per_million.items()]


@pytest.mark.parametrize("at", [ANSWERS, PROPOSALS, TRIALS], ids=["answers", "proposals", "trials"])
def test_the_cap_holds_and_a_larger_cap_resumes_the_run(at: CapCase, tmp_path: Path) -> None:
    examples = write(tmp_path, at.with_results)
    models = Models(3, at.usd_per_million)
    options = (JUDGE, *price_options(at.usd_per_million))
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, examples, tmp_path)
        result = learn(*options, f"--budget-usd={at.cap_usd}")
        assert result.exit_code == 0, result.exception
        assert 0 < models.usd <= at.cap_usd
        report: Any = learn.report()
        assert not report["complete"]
        assert f"The cap of {at.cap_usd:.4f} USD is reached" in report["stopped_by"]
        assert sum(report["spend"]["usd"].values()) == pytest.approx(models.usd, rel=1e-4)
        assert learn.candidate()
        assert at.asked <= models.by_model.keys()
        assert not at.not_asked & models.by_model.keys()
        assert learn(*options, "--budget-usd=1000").exit_code == 0
        assert learn.report()["complete"]
        assert models.asked_again == 0
        assert learn(*options, "--budget-usd=1000", out="at once").exit_code == 0
    assert learn.candidate() == learn.candidate("at once")


def test_a_search_stopped_by_the_cap_is_still_measured_on_held_out_rows(
    tmp_path: Path,
) -> None:
    models = Models(1, ROUTER)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, write(tmp_path, with_results=True), tmp_path)
        cap = f"--budget-usd={TRIALS.cap_usd}"
        assert learn(*price_options(ROUTER), cap).exit_code == 0
        report: Any = learn.report()
        assert learn(*price_options(ROUTER), "--budget-usd=1000", out="all").exit_code == 0
    everything: Any = learn.report("all")
    assert 1 <= len(report["candidates"]) < len(everything["candidates"])
    assert not report["complete"]
    assert report["gate"]["gain"]["n"] == HELDOUT
    assert "candidate" in {policy["policy"] for policy in report["policies"]}


def test_repeated_runs_with_the_same_cap_never_exceed_it(tmp_path: Path) -> None:
    models = Models(3, ANSWER)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, write(tmp_path, with_results=False), tmp_path)
        options = (JUDGE, *price_options(ANSWER), f"--budget-usd={ANSWERS.cap_usd}")
        for _ in range(4):
            assert learn(*options).exit_code == 0
    assert 0 < models.usd <= ANSWERS.cap_usd
    assert models.asked_again == 0


def test_a_dry_run_makes_no_call_and_states_the_cost_of_a_run(
    tmp_path: Path,
) -> None:
    models = Models(3)
    with running_upstream(models) as upstream:
        learn = Learner(upstream.url, write(tmp_path, with_results=False), tmp_path)
        planned = learn(JUDGE, "--dry-run", *price_options(ROUTER), "--budget-usd=50")
        assert planned.exit_code == 0
        assert not models.calls
        assert not (tmp_path / "run").exists()
        assert learn(JUDGE, *price_options(ROUTER), "--budget-usd=50").exit_code == 0
    found = re.search(r"([\d.]+) USD in total; the cap is 50\.0000 USD", planned.output)
    assert found is not None, planned.output
    paid: Any = learn.report()["spend"]
    assert float(found[1]) >= sum(paid["usd"].values()) > 0
    lines = re.findall(r"│ (\w+) +│ (\S+) +│ ([\d,]+) +│", planned.output)
    calls = {(purpose, model): int(number.replace(",", "")) for purpose, model, number in lines}
    assert [calls["answer", f"openai/{tier}"] for tier in ("small", "medium", "large")] == [40] * 3
    assert calls["judge", JUDGE.partition("=")[2]] >= paid["calls"]["judge"] > 0
    assert calls["router", "openai/router"] >= paid["calls"]["router"] > 0
    assert calls["proposer", "openai/proposer"] >= paid["calls"]["proposer"] > 0


def test_a_remote_model_of_unknown_price_is_not_called(
    tmp_path: Path,
) -> None:
    learn = Learner("https://models.example/v1", write(tmp_path, with_results=False), tmp_path)
    result = learn(JUDGE)
    assert result.exit_code == 1
    assert "The price of openai/router is unknown" in str(result.exception)
    assert "--price openai/router=INPUT,OUTPUT" in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_only_models_on_this_machine_are_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for url, free in (
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://localhost.example/v1", False),
        ("https://models.example/v1", False),
    ):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        price = prices([], router_config("openai/router"))("openai/router")
        assert (price is not None) is free, url
