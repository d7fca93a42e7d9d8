"""`route-switch optimize`: options, money and progress."""

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from route_switch.adapters.learning.file_memo import MemoFile
from route_switch.cli.files import read_text, write_whole
from route_switch.cli.folder_run import MEMO, FolderRun, print_estimate
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
from route_switch.cli.run_checks import only_recorded
from route_switch.domain.errors import ConfigurationError, RouteSwitchError
from route_switch.domain.learning.example import Example
from route_switch.domain.pricing import Price
from route_switch.domain.tiers import Tier
from route_switch.optimizer.learning_job import (
    LearningJob,
    default_proposer,
    simulated_parts,
)
from route_switch.optimizer.plan import Plan
from route_switch.services.learning.pace import Pace
from tests.support.learning import EXAMPLES, NAMES, PLAN
from tests.support.outcomes import spelled
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
def test_an_unreadable_price_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"MODEL=INPUT,OUTPUT.*such as openai/"):
        prices([text], CONFIG)


def test_a_stated_price_overrides_the_price_list() -> None:
    price = prices(["openai/gpt-4o-mini= 0.5,2", "offline/large=7,8"], CONFIG)
    assert price("openai/gpt-4o-mini") == OWN
    assert price("offline/large") == Price(input_usd_per_million=7, output_usd_per_million=8)
    assert prices([], CONFIG)("openai/gpt-4o-mini") not in (OWN, None)


def test_an_unlisted_price_is_unknown_except_for_a_server_on_this_machine() -> None:
    here = CONFIG.model_copy(update={"openai_base_url": "http://127.0.0.1:8000/v1"})
    assert prices([], CONFIG)("openai/my-own") is None
    assert prices([], here)("openai/my-own") == Price(
        input_usd_per_million=0, output_usd_per_million=0
    )
    assert prices([], here)("mistral/my-own") is None


def test_replayed_tiers_have_a_nominal_price_and_local_models_are_free() -> None:
    assert offline_price("offline/large").output_usd_per_million > 0
    assert offline_price("local/encoder") == offline_price("offline/proposer")
    assert offline_price("local/encoder").input_usd_per_million == 0


def test_known_prices_leaves_out_unknown_ones() -> None:
    assert known_prices(["a/b", "c/d"], {"a/b": OWN}.get) == {"a/b": OWN}


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_lambda_must_be_finite_and_not_negative(value: float) -> None:
    with pytest.raises(ConfigurationError, match="must be from 0 to"):
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
def test_the_best_callable_model_proposes_by_default(
    large: str, router: str, proposer: str
) -> None:
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


def test_a_terminal_shows_step_trial_and_money() -> None:
    shown, out = progress(terminal=True)
    with shown.shown():
        shown.step("search", 21)
        shown.trial(1, 0.5)
        shown.trial(2, 0.5)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "search" in text
    assert "2/21" in text
    assert "best objective 0.5000, spent $0.2500, remaining $0.7500" in text


def test_a_file_write_is_atomic(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a", "new \ud83d")
    assert read_text(tmp_path / "a", "file") == "old"
    with pytest.raises(RouteSwitchError, match="cannot be written"):
        write_whole(tmp_path / "none" / "a", "x")
    with pytest.raises(RouteSwitchError, match=r"The thing .*none cannot be read"):
        read_text(tmp_path / "none", "thing")


def run_in(out: Path, history: Path | None = None, **models: str) -> FolderRun:
    """Return a run whose models need no network."""
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


def test_a_router_without_a_price_is_refused_before_the_folder_is_created(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--price fake/router=INPUT,OUTPUT"):
        run_in(tmp_path / "run")()
    assert not (tmp_path / "run").exists()


def test_a_run_that_cannot_start_releases_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Too few examples"):
        run_in(tmp_path / "run", router="local/encoder")()
    MemoFile(tmp_path / "run" / MEMO).close()


def test_an_invalid_gate_history_stops_the_run_before_anything_else(tmp_path: Path) -> None:
    (tmp_path / "h.json").write_text("[1]")
    with pytest.raises(ConfigurationError, match=r"h.json is not a gate history"):
        run_in(tmp_path / "run", tmp_path / "h.json", router="local/encoder")()
    assert (tmp_path / "h.json").read_text() == "[1]"


def test_optimize_warns_of_queries_that_are_too_long_for_the_encoder(tmp_path: Path) -> None:
    long = [e.model_copy(update={"query": "some context " * 150 + e.query}) for e in EXAMPLES]
    note = "note: 100% of the queries are longer than the 190 words"
    assert note in optimize(long, tmp_path, "--dry-run").stderr
    assert "190 words" not in optimize(EXAMPLES, tmp_path, "--dry-run").stderr


def test_a_gate_history_in_a_missing_folder_stops_the_run_before_anything_else(
    tmp_path: Path,
) -> None:
    with pytest.raises(RouteSwitchError, match=r"none does not exist. Create it first"):
        run_in(tmp_path / "run", tmp_path / "none" / "h.json", router="local/encoder")()


def test_a_dry_run_lists_models_without_a_price(capsys: pytest.CaptureFixture[str]) -> None:
    print_estimate(EXAMPLES, plan(judge="openai/unpriced"), 5.0)
    out = capsys.readouterr().out
    assert "price unknown" in out
    assert "openai/gpt-4o-mini" in out.split("Not counted")[1], "no price for the router"
    assert "the cap is 5.0000 USD" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lambda", "-1"], "--lambda is -1.0"),
        (["--tiers", "one"], "two or three different models"),
        (["--price", "a=b"], "MODEL=INPUT,OUTPUT"),
        (["--optimizer", "gepa", "--trials", "1"], "--trials is 1, but gepa needs the calls of"),
        (["--examples", "nowhere.jsonl"], "cannot be read"),
    ],
)
def test_wrong_options_are_refused_before_a_folder_is_created(
    options: list[str], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text("\n".join(e.model_dump_json() for e in EXAMPLES), "utf-8")
    given = ["--examples", str(file), "--tiers", ",".join(NAMES), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, ["optimize", *given, *options])
    assert isinstance(result.exception, RouteSwitchError)
    assert message in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_a_dry_run_calls_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text("\n".join(e.model_dump_json() for e in EXAMPLES), "utf-8")
    given = ["--examples", str(file), "--tiers", ",".join(NAMES), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, ["optimize", *given, "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "nothing was called" in result.output
    assert "0.0000 USD in total" in result.output, "recorded answers and a local router are free"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [((), "MIPROv2 (dspy 3"), (("--optimizer", "gepa"), "GEPA (dspy 3")],
)
def test_a_dry_run_names_the_optimizer(
    options: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    assert f"The optimizer is {named}" in optimize(EXAMPLES, tmp_path, "--dry-run", *options).stdout


def optimize(rows: Sequence[Example], folder: Path, *options: str) -> Result:
    file = folder / "examples.jsonl"
    file.write_text("\n".join(e.model_dump_json() for e in rows), "utf-8")
    given = ["--examples", str(file), "--tiers", ",".join(NAMES), "--out", str(folder / "run")]
    return CliRunner().invoke(app, ["optimize", *given, *options])


def test_a_gate_history_in_a_missing_folder_is_refused_before_anything_is_called(
    tmp_path: Path,
) -> None:
    history = tmp_path / "none" / "history.json"
    result = optimize(EXAMPLES, tmp_path, "--gate-history", str(history))
    assert str(result.exception) == (
        f"--gate-history {history}: the folder {history.parent} does not exist. Create it first."
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", ["[1]", None])
def test_a_file_that_is_not_a_gate_history_is_refused_before_anything_is_called(
    tmp_path: Path, content: str | None
) -> None:
    history = tmp_path / "history.json"
    history.write_text(content) if content else history.mkdir()
    result = optimize(EXAMPLES, tmp_path, "--gate-history", str(history))
    assert "history.json" in str(result.exception)
    assert not (tmp_path / "run").exists()


def renamed(example: Example, *names: str, **fields: object) -> Example:
    """Return the example with results of these models, each field of them as stated."""
    results = [r.model_copy(update=fields) for r in example.models.values()]
    return example.model_copy(update={"models": dict(zip(names, results, strict=True))})


def test_a_model_that_is_only_recorded_proposes_nothing(tmp_path: Path) -> None:
    names = ("x/small", "x/medium", "meta/llama-2-70b-chat")
    rows = [renamed(e, *names) for e in EXAMPLES]
    result = optimize(rows, tmp_path, "--tiers", ",".join(names), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "note: meta/llama-2-70b-chat is only recorded in the examples" in result.stderr
    assert "offline/proposer" in result.stdout
    assert "would stop" not in result.stdout
    models = dict(zip(Tier, names, strict=True))
    assert only_recorded(rows, models) == set(names)
    assert only_recorded([*rows, renamed(EXAMPLES[0], "x/small", "b", "c")], models) == {"x/small"}


def test_local_needs_no_proposer(tmp_path: Path) -> None:
    result = optimize(EXAMPLES, tmp_path, "--strategy", "local", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "proposer" not in result.stdout
    assert "would stop" not in result.stdout


@pytest.mark.parametrize("strategy", ["local", "hybrid"])
def test_a_local_model_that_may_read_no_text_is_an_obstacle(tmp_path: Path, strategy: str) -> None:
    options = ("--strategy", strategy, "--learn-from-text", "off")
    traffic = [e.model_copy(update={"from_traffic": True}) for e in EXAMPLES]
    dry = optimize(traffic, tmp_path, *options, "--dry-run")
    assert "learn_from_text=off withholds the text of" in " ".join(dry.stdout.split())
    assert optimize(traffic, tmp_path, *options).exit_code == 1
    own = optimize(EXAMPLES, tmp_path, *options, "--dry-run")
    assert "would stop" not in own.stdout


def test_a_strategy_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    result = optimize(EXAMPLES, tmp_path, "--strategy", "magic", "--dry-run")
    assert result.exit_code == 2
    assert "'prompt', 'local', 'hybrid', 'auto'" in " ".join(result.output.split())


def test_local_writes_a_candidate_with_its_numbers(tmp_path: Path) -> None:
    result = optimize(EXAMPLES, tmp_path, "--strategy", "local")
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "run" / "candidate.json").read_text("utf-8"))
    assert written["strategy"] == "local"
    assert written["local_model"]["numbers"]["tiers"] == [1, 2, 3]
    report = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    assert report["strategies"]["asked_for"] == "local"


def test_free_models_need_a_lambda_of_zero_which_is_reported_before_any_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    names = ("openai/s", "openai/m", "openai/l")
    tokens = {"cost_usd": None, "input_tokens": 10, "output_tokens": 5}
    rows = [renamed(e, *names, **tokens) for e in EXAMPLES]
    options = ("--tiers", ",".join(names), "--proposer-model", "offline/proposer")
    dry = optimize(rows, tmp_path, *options, "--dry-run")
    assert "The run would stop: All answers of openai/l cost nothing" in dry.stdout
    assert "--lambda 0" in dry.stdout
    assert "cost nothing" in str(optimize(rows, tmp_path, *options).exception)
    assert not (tmp_path / "run").exists()
    assert "would stop" not in optimize(rows, tmp_path, *options, "--dry-run", "--lambda=0").stdout


def test_queries_that_all_bypass_the_router_stop_the_run_before_any_call(tmp_path: Path) -> None:
    rows = [e.model_copy(update={"query": f"go {spelled(n)}"}) for n, e in enumerate(EXAMPLES)]
    result = optimize(rows, tmp_path)
    assert " are shorter than 8 tokens, so they bypass the router" in str(result.exception)
    assert "--no-bypass" in str(result.exception)
    assert "would stop" not in optimize(rows, tmp_path, "--no-bypass", "--dry-run").stdout


def test_texts_that_must_not_be_shown_stop_the_run_before_any_call(tmp_path: Path) -> None:
    rows = [e.model_copy(update={"query": f"<script>{e.query}"}) for e in EXAMPLES]
    result = optimize(rows, tmp_path)
    assert "withheld because their text is not safe in a prompt" in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_a_few_templates_are_named_when_there_are_too_few_rows(tmp_path: Path) -> None:
    rows = [e.model_copy(update={"query": f"Where is order {n}?"}) for n, e in enumerate(EXAMPLES)]
    result = optimize(rows, tmp_path)
    assert "90 examples are from 1 templates" in str(result.exception)


def test_an_interrupted_run_says_in_one_line_how_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LearningJob, "__call__", interrupt)
    result = optimize(EXAMPLES, tmp_path)
    assert str(result.exception) == (
        "The run was interrupted. Run the same command to resume; nothing is paid twice."
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cost_usd": None}, "The cost of x/small is unknown: example"),
        ({"cost_usd": None, "input_tokens": None}, "The cost of x/small is unknown: example"),
        ({"cost_usd": 0.0}, "All answers of x/large cost nothing"),
    ],
)
def test_a_dry_run_names_missing_costs_as_the_run_does(
    fields: dict[str, object], told: str, tmp_path: Path
) -> None:
    names = ("x/small", "x/medium", "x/large")
    rows = [renamed(e, *names, **fields) for e in EXAMPLES]
    options = ("--tiers", ",".join(names))
    stopped = str(optimize(rows, tmp_path, *options).exception)
    assert stopped.startswith(told)
    dry = optimize(rows, tmp_path, *options, "--dry-run").stdout
    assert f"The run would stop: {stopped}" in dry
    assert ("The cost of x/large is unknown" in dry) == (fields["cost_usd"] is None)
    assert not (tmp_path / "run").exists()


def test_a_dry_run_names_models_that_count_as_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    options = ("--router-model", "openai/my-model", "--dry-run")
    told = (
        "Counted as free, because http://127.0.0.1:9/v1 is on this machine: openai/my-model. Set a "
        "price with --price."
    )
    assert told in optimize(EXAMPLES, tmp_path, *options).stdout
    priced = optimize(EXAMPLES, tmp_path, *options, "--price", "openai/my-model=1,2")
    assert "Counted as free" not in priced.stdout


def test_a_dry_run_names_a_called_model_without_a_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    dry = optimize(EXAMPLES, tmp_path, "--router-model", "openai/my-model", "--dry-run")
    assert "The run would stop: The price of openai/my-model is unknown" in dry.stdout
