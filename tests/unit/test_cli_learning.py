"""`route-switch optimize`: options, costs and progress."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from route_switch.adapters.learning.file_memo import MemoFile
from route_switch.cli.files import read_text, write_whole
from route_switch.cli.main import app
from route_switch.cli.model_options import (
    check_lambda,
    known_prices,
    offline_price,
    prices,
    tier_models,
)
from route_switch.cli.progress import RunProgress
from route_switch.cli.route import router_config
from route_switch.cli.run import MEMO, FolderRun, print_estimate
from route_switch.domain.errors import ConfigurationError, RouteSwitchError
from route_switch.domain.pricing import Price
from route_switch.domain.tiers import Tier
from route_switch.optimizer.learning_job import HISTORY_BEFORE, default_proposer, simulated_parts
from route_switch.optimizer.learning_steps import Plan
from route_switch.services.learning.pace import Pace
from tests.support.learning import EXAMPLES, NAMES, PLAN
from tests.support.searching import INCUMBENT

CONFIG = router_config("openai/gpt-4o-mini")
OWN = Price(input_usd_per_million=0.5, output_usd_per_million=2)


def plan(
    models: tuple[str, ...] = NAMES, proposer: str = "openai/p", judge: str | None = None
) -> Plan:
    return Plan(dict(zip(Tier, models, strict=True)), {}, CONFIG, proposer, judge)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b",
        "a/b=",
        "a/b=1",
        "a/b=1,2,3",
        "=1,2",
        "a/b=one,2",
        "a/b=-1,2",
        "a/b=1,nan",
        "a=1,inf",
    ],
)
def test_an_invalid_price_is_reported_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"MODEL=INPUT,OUTPUT.*such as openai/"):
        prices([text], CONFIG)


def test_a_given_price_overrides_the_list() -> None:
    price = prices(["openai/gpt-4o-mini= 0.5,2", "offline/large=7,8"], CONFIG)
    assert price("openai/gpt-4o-mini") == OWN
    assert price("offline/large") == Price(input_usd_per_million=7, output_usd_per_million=8)
    assert prices([], CONFIG)("openai/gpt-4o-mini") not in (OWN, None)


def test_an_unknown_price_stays_unknown_except_for_a_local_server() -> None:
    here = CONFIG.model_copy(update={"openai_base_url": "http://127.0.0.1:8000/v1"})
    assert prices([], CONFIG)("openai/my-own") is None
    assert prices([], here)("openai/my-own") == Price(
        input_usd_per_million=0, output_usd_per_million=0
    )
    assert prices([], here)("mistral/my-own") is None


def test_replaying_models_have_nominal_prices_and_local_models_are_free() -> None:
    assert offline_price("offline/large").output_usd_per_million > 0
    assert offline_price("local/encoder") == offline_price("offline/proposer")
    assert offline_price("local/encoder").input_usd_per_million == 0


def test_only_known_prices_are_kept() -> None:
    assert known_prices(["a/b", "c/d"], {"a/b": OWN}.get) == {"a/b": OWN}


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_an_invalid_lambda_is_refused(value: float) -> None:
    with pytest.raises(ConfigurationError, match="must be 0 or more"):
        check_lambda(value)
    check_lambda(0.0)


def test_two_or_three_models_are_tiers() -> None:
    assert tier_models("a, b") == {Tier.SMALL: "a", Tier.LARGE: "b"}
    assert tier_models("a,b,c") == {Tier.SMALL: "a", Tier.MEDIUM: "b", Tier.LARGE: "c"}


@pytest.mark.parametrize("text", ["", "a", "a,a", "a,b,c,d", "a,b,", "a,,b"])
def test_any_other_number_of_models_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="two or three different models"):
        tier_models(text)


@pytest.mark.parametrize(
    ("large", "router", "proposer"),
    [
        ("openai/gpt-4.1", "local/encoder", "openai/gpt-4.1"),
        ("offline/large", "openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ("gpt-4o", "openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ("gpt-4o", "local/encoder", "offline/proposer"),
        ("offline/large", "offline/small", "offline/proposer"),
    ],
)
def test_the_best_callable_model_is_the_proposer(large: str, router: str, proposer: str) -> None:
    assert default_proposer({Tier.SMALL: "a", Tier.LARGE: large}, router) == proposer


def test_simulated_parts_are_named() -> None:
    assert simulated_parts(plan()) == ()
    offline = ("offline/small", "offline/medium", "offline/large")
    tiers, proposer, judge = simulated_parts(plan(offline, "offline/proposer", "offline/judge"))
    assert "replay recorded answers" in tiers
    assert "not an LLM" in proposer
    assert "repeats recorded scores" in judge
    [only] = simulated_parts(plan(("a", "b", "offline/large")))
    assert only == tiers


def progress(terminal: bool) -> tuple[RunProgress, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    return RunProgress(console, lambda: 0.25, 1.0), out


def test_without_a_terminal_each_step_and_every_tenth_trial_prints_a_line() -> None:
    shown, out = progress(terminal=False)
    with shown.shown():
        shown.step("build outcomes", 90)
        shown.step("search", 21)
        for number in range(1, 22):
            shown.trial(number, 0.5 + number / 100)
    assert out.getvalue().splitlines() == [
        "build outcomes … spent $0.2500, remaining $0.7500",
        "search … spent $0.2500, remaining $0.7500",
        "trial 10: best objective 0.6000, spent $0.2500, remaining $0.7500",
        "trial 20: best objective 0.7000, spent $0.2500, remaining $0.7500",
    ]


def test_a_terminal_shows_the_step_the_trial_and_the_money() -> None:
    shown, out = progress(terminal=True)
    with shown.shown():
        shown.step("search", 21)
        shown.trial(1, 0.5)
        shown.trial(2, 0.5)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "search" in text
    assert "2/21" in text
    assert "best objective 0.5000, spent $0.2500, remaining $0.7500" in text


def test_files_are_written_atomically(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a", "new \ud83d")
    assert read_text(tmp_path / "a", "file") == "old"
    with pytest.raises(RouteSwitchError, match="cannot be written"):
        write_whole(tmp_path / "none" / "a", "x")
    with pytest.raises(RouteSwitchError, match=r"The thing .*none cannot be read"):
        read_text(tmp_path / "none", "thing")


def run_in(out: Path, history: Path | None = None, **models: str) -> FolderRun:
    """Run without a network: nothing that is called here needs one."""
    config = router_config(models.get("router", "fake/router"))
    return FolderRun(
        plan=Plan(PLAN.models, {}, config, "offline/proposer", None),
        examples=EXAMPLES[:6],
        examples_digest="d",
        incumbent=INCUMBENT,
        out=out,
        budget_usd=1.0,
        price=prices([], config),
        pace=Pace(),
        monthly_queries=1000,
        gate_history=history,
    )


def test_a_router_without_a_price_is_reported_before_anything_is_created(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--price fake/router=INPUT,OUTPUT"):
        run_in(tmp_path / "run")()
    assert not (tmp_path / "run").exists()


def test_a_run_that_cannot_begin_leaves_the_folder_to_others(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Too few examples"):
        run_in(tmp_path / "run", router="local/encoder")()
    MemoFile(tmp_path / "run" / MEMO).close()


def test_a_run_uses_the_gate_history_from_its_start(tmp_path: Path) -> None:
    """A resumed run is one look, whatever other runs wrote meanwhile."""
    history = tmp_path / "history.json"
    history.write_text('{"looks": 3, "seen": ["a"]}')
    run = run_in(tmp_path, history).run
    assert run.history_before().looks == 3
    history.write_text('{"looks": 4, "seen": []}')
    assert run.history_before().looks == 3
    assert json.loads((tmp_path / HISTORY_BEFORE.format(run.fingerprint)).read_text())["looks"] == 3
    assert replace(run, examples_digest="other").history_before().looks == 4


def test_without_a_gate_history_the_look_is_number_one(tmp_path: Path) -> None:
    assert run_in(tmp_path, tmp_path / "none.json").run.history_before().looks == 0


def test_an_invalid_gate_history_is_reported(tmp_path: Path) -> None:
    (tmp_path / "h.json").write_text("[1]")
    with pytest.raises(ConfigurationError, match=r"h.json is not a gate history"):
        run_in(tmp_path, tmp_path / "h.json").run.history_before()


def test_a_dry_run_says_what_it_cannot_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    print_estimate(EXAMPLES, plan(judge="openai/unpriced"), 5.0)
    out = capsys.readouterr().out
    assert "price unknown" in out
    assert "openai/gpt-4o-mini" in out.split("Not counted")[1], "the router's price is not in plan"
    assert "the cap is 5.0000 USD" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--lambda", "-1"], "--lambda is -1.0"),
        (["--tiers", "one"], "two or three different models"),
        (["--price", "a=b"], "MODEL=INPUT,OUTPUT"),
        (["--examples", "nowhere.jsonl"], "cannot be read"),
    ],
)
def test_invalid_options_fail_before_a_folder_is_created(
    options: list[str], told: str, tmp_path: Path
) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text("\n".join(e.model_dump_json() for e in EXAMPLES), "utf-8")
    given = ["--examples", str(file), "--tiers", ",".join(NAMES), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, ["optimize", *given, *options])
    assert isinstance(result.exception, RouteSwitchError)
    assert told in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_a_dry_run_writes_and_calls_nothing(tmp_path: Path) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text("\n".join(e.model_dump_json() for e in EXAMPLES), "utf-8")
    given = ["--examples", str(file), "--tiers", ",".join(NAMES), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, ["optimize", *given, "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "nothing was called" in result.output
    assert "0.0000 USD in all" in result.output, "recorded answers, and a router in this process"
    assert not (tmp_path / "run").exists()
