"""A learning run in a folder: what it keeps there, and what it leaves behind."""

import hashlib
import importlib.metadata
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from route_switch.adapters.memo import MemoFile, MemoryMemo
from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.outcome_file import write_outcomes
from route_switch.bootstrap import packaged_prompt
from route_switch.cli.files import read_text, write_whole
from route_switch.cli.models import PriceOf, paid_calls
from route_switch.cli.progress import RunProgress, outage_teller
from route_switch.domain.errors import (
    BudgetReachedError,
    ConfigurationError,
    RouteSwitchError,
)
from route_switch.domain.example import Example
from route_switch.domain.promotion import GateHistory
from route_switch.domain.prompt import RoutingPrompt
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.split import split
from route_switch.domain.tiers import Tier
from route_switch.optimizer import report_html, report_json, report_markdown
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.estimate import Task, estimate
from route_switch.optimizer.figures import Report
from route_switch.optimizer.loop import Findings, Learn, Plan
from route_switch.optimizer.reporting import Circumstances, report_of
from route_switch.services.build_outcomes import BuildOutcomes
from route_switch.services.judge_answers import JudgeAnswers
from route_switch.services.metered_calls import MeteredCalls, price_unknown
from route_switch.services.pace import Pace
from route_switch.services.spending_cap import LocalCap

MEMO = "answers.jsonl"
HISTORY = "gate-history.json"
BEFORE = "gate-history-before-{}.json"
"""As a run found it. Other examples or settings are another run, and another look."""
PACKAGES = ("route-switch", "dspy", "optuna", "litellm", "numpy", "onnxruntime")
HERE = ("local", "offline")
"""Providers without a network."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. The same run in the same folder goes on where it was stopped."""

    plan: Plan
    examples: tuple[Example, ...]
    examples_digest: str
    incumbent: RoutingPrompt
    out: Path
    budget_usd: float
    price: PriceOf
    pace: Pace
    monthly_queries: int
    gate_history: Path | None = None
    workload_notes: Mapping[str, str] = field(default_factory=dict)

    def __call__(self) -> Report:
        """Raises `RouteSwitchError` where it was stopped by anything but the cap."""
        self._check_prices()
        self._make_folder()
        memo = MemoFile(self.out / MEMO)
        try:
            cap = LocalCap(self.budget_usd)
            console = Console(file=sys.stderr)
            calls = paid_calls(
                self.plan.config, self.price, memo, cap, self.pace, outage_teller(console)
            )
            cap.settle(0.0, calls.spent_usd)
            progress = RunProgress(console, lambda: calls.spent_usd, self.budget_usd)
            history = self._history()
            with progress.shown():
                learn = Learn(self.plan, calls, cap, EncoderClient().embed, progress)
                found = learn(self.examples, self.incumbent, packaged_prompt(), history)
            return self._finish(found, calls)
        finally:
            memo.close()

    def _finish(self, found: Findings, calls: MeteredCalls) -> Report:
        stop = found.stopped_by
        if stop is not None and not isinstance(stop, BudgetReachedError):
            raise RouteSwitchError(f"{stop} The same command goes on from here.") from stop
        candidate = candidate_prompt(found, self.plan, self.examples_digest)
        report = report_of(found, candidate, self.plan, calls, self._circumstances())
        if found.tables is not None and found.built is not None:
            write_outcomes(self.out / "outcomes.jsonl.gz", found.built.table)
        write_whole(self.out / "candidate.json", to_json(candidate))
        write_whole(self.out / "candidate.md", to_markdown(candidate))
        write_whole(self.out / "report.json", report_json.to_json(report))
        write_whole(self.out / "report.html", report_html.to_html(report))
        write_whole(self.out / "report.md", report_markdown.to_markdown(report))
        if found.gate is not None:
            write_whole(self._shared_history, found.gate.history.model_dump_json())
        return report

    @property
    def _shared_history(self) -> Path:
        """Of all runs in this folder, or of as many folders as name the same file."""
        return self.gate_history or self.out / HISTORY

    def _fingerprint(self) -> str:
        plan = self.plan
        settings = (
            self.examples_digest,
            self.incumbent.version,
            sorted(plan.models.items()),
            plan.config.models.router,
            plan.proposer_model,
            plan.judge_model,
            plan.lambda_,
            plan.seed,
            plan.rounds,
            plan.size,
            plan.learn_from_text,
        )
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    def _check_prices(self) -> None:
        plan = self.plan
        for name in (plan.config.models.router, plan.proposer_model, plan.judge_model):
            if name is not None and self.price(name) is None:
                raise ConfigurationError(price_unknown(name))

    def _make_folder(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RouteSwitchError(f"The folder {self.out} cannot be made: {error}") from error

    def _history(self) -> GateHistory:
        """As it was when the run began: a run that is resumed is one look, not two."""
        kept = self.out / BEFORE.format(self._fingerprint())
        if not kept.exists():
            before = self._shared_history
            known = read_text(before, "gate history") if before.exists() else "{}"
            write_whole(kept, _history(known, before).model_dump_json())
        return _history(read_text(kept, "gate history"), kept)

    def _circumstances(self) -> Circumstances:
        return Circumstances(
            created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            versions={
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in PACKAGES},
            },
            simulated=simulated_parts(self.plan),
            cap_usd=self.budget_usd,
            monthly_queries=self.monthly_queries,
            workload_notes=self.workload_notes,
        )


def default_proposer(models: Mapping[Tier, str], router_model: str) -> str:
    """The large model if it can be called, else the router's, else the simulated one."""
    for name in (models[Tier.LARGE], router_model):
        provider, slash, _ = name.partition("/")
        if slash and provider not in HERE:
            return name
    return "offline/proposer"


def simulated_parts(plan: Plan) -> tuple[str, ...]:
    parts = []
    if any(name.startswith("offline/") for name in plan.models.values()):
        parts.append("the tier models (offline/…: they replay recorded answers of real models)")
    if plan.proposer_model.startswith("offline/"):
        parts.append(f"the proposer ({plan.proposer_model}: a handful of rules, not an LLM)")
    if plan.judge_model is not None and plan.judge_model.startswith("offline/"):
        parts.append(f"the judge ({plan.judge_model}: it repeats recorded scores)")
    return tuple(parts)


def print_estimate(examples: tuple[Example, ...], plan: Plan, budget_usd: float) -> None:
    """What a run would pay at most; nothing is called and nothing written."""
    sides = split(examples)
    rows = (*sides.train, *sides.validation, *sides.heldout)
    nothing = paid_calls(plan.config, plan.prices.get, MemoryMemo(), LocalCap(0.0), Pace())
    judge = JudgeAnswers(nothing, plan.judge_model) if plan.judge_model else None
    task = Task(
        models=plan.models,
        missing=BuildOutcomes(nothing, judge, plan.threads).missing(rows, plan.models),
        examples=rows,
        validation_rows=len(sides.validation),
        heldout_rows=len(sides.heldout),
        config=plan.config,
        proposer_model=plan.proposer_model,
        judge_model=plan.judge_model,
        rounds=plan.rounds,
        size=plan.size,
    )
    expected = estimate(task, plan.prices)
    table = Table("for", "model", "calls", "USD expected", title="Estimate; nothing was called")
    for line in expected:
        usd = "price unknown" if line.usd is None else f"{line.usd:.4f}"
        table.add_row(line.purpose.value, line.model, f"{line.calls:,}", usd)
    Console().print(table)
    total = sum(line.usd or 0.0 for line in expected)
    typer.echo(f"{total:.4f} USD in all; the cap is {budget_usd:.4f} USD (--budget-usd).")
    if unknown := sorted({line.model for line in expected if line.usd is None}):
        typer.echo(f"Not counted, since the price is unknown: {', '.join(unknown)} (see --price).")


def _history(text: str, path: Path) -> GateHistory:
    try:
        return GateHistory.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(
            f"{path} is not a gate history. Remove it to begin a new one."
        ) from error
