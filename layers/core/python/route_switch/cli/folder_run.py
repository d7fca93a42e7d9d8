"""Run learning in a folder, with progress on the terminal."""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from route_switch.adapters.learning.file_memo import MemoFile, MemoryMemo
from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.files import Folder
from route_switch.cli.model_options import PriceOf, paid_calls, stop_message, why_free
from route_switch.cli.progress import RunProgress, outage_reporter
from route_switch.cli.run_checks import RunChecks
from route_switch.cli.terminal import console, say
from route_switch.domain.errors import RouteSwitchError, RunStoppedError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.split import split
from route_switch.domain.reasons import why_unusable
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.embeddings import RememberedEmbeddings
from route_switch.optimizer.learning_job import GateHistoryFile, LearningJob, RunDependencies
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.run_estimate import EstimateInputs, estimate
from route_switch.services.learning.build_outcomes import BuildOutcomes
from route_switch.services.learning.judge_answers import judge_of
from route_switch.services.learning.pace import Pace
from route_switch.services.learning.spending_caps import LocalCap

MEMO = "answers.jsonl"


@dataclass(frozen=True, slots=True)
class FolderRun:
    """One run. The same run in the same folder resumes where it stopped."""

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
    odd_lines: int = 0

    def __call__(self) -> Report:
        """Return the report; raise `RouteSwitchError` if anything but the cap stopped the run."""
        for obstacle in self._checks.obstacles():
            raise obstacle
        self._make_folder()
        memo = MemoFile(self.out / MEMO)
        try:
            return self._run_with(memo)
        except KeyboardInterrupt:
            raise RouteSwitchError(
                "The run was interrupted. Run the same command to resume; nothing is paid twice."
            ) from None
        except RunStoppedError as stop:
            raise RouteSwitchError(
                f"{stop_message(stop, self.plan.config)} Run the same command to resume."
            ) from stop
        finally:
            memo.close()

    def _run_with(self, memo: MemoFile) -> Report:
        cap = LocalCap(self.budget_usd)
        screen = console(sys.stderr)
        calls = paid_calls(
            self.plan.config, self.price, memo, cap, self.pace, outage_reporter(screen)
        )
        cap.settle(0.0, calls.spent_usd)
        progress = RunProgress(screen, lambda: calls.spent_usd, self.budget_usd)
        embed = RememberedEmbeddings(EncoderClient().embed, memo, self.pace, self.plan.threads)
        with progress.shown():
            return self.job(RunDependencies(calls, cap, embed, progress))

    @property
    def job(self) -> LearningJob:
        files = Folder(self.out)
        shared = self.gate_history
        return LearningJob(
            plan=self.plan,
            examples=self.examples,
            examples_digest=self.examples_digest,
            incumbent=self.incumbent,
            hand_written=packaged_prompt(),
            files=files,
            # Shared by the runs in this folder, or by every folder that names the same file.
            history=GateHistoryFile(Folder(shared.parent), shared.name)
            if shared
            else GateHistoryFile(files),
            cap_usd=self.budget_usd,
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            monthly_queries=self.monthly_queries,
            workload_notes=self.workload_notes,
            odd_lines=self.odd_lines,
        )

    @property
    def _checks(self) -> RunChecks:
        return RunChecks(self.plan, split(self.examples), self.price, self.gate_history)

    def _make_folder(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RouteSwitchError(
                f"The folder {self.out} cannot be created: {why_unusable(error)}"
            ) from error


def print_estimate(
    examples: tuple[Example, ...],
    plan: Plan,
    budget_usd: float,
    gate_history: Path | None = None,
) -> None:
    """Print the expected cost of a run, and what would stop it; call nothing and write nothing."""
    sides = split(examples)
    rows = sides.examples
    unpaid = paid_calls(plan.config, plan.prices.get, MemoryMemo(), LocalCap(0.0), Pace())
    judge = judge_of(unpaid, plan.judge)
    inputs = EstimateInputs(
        models=plan.models,
        missing=BuildOutcomes(
            unpaid, judge, plan.threads, capabilities=plan.config.models.capabilities_of
        ).missing(rows, plan.models),
        examples=rows,
        validation_rows=len(sides.validation),
        heldout_rows=len(sides.heldout),
        config=plan.config,
        proposer_model=plan.proposer_model,
        judge_model=plan.judge_model,
        rounds=plan.rounds,
        size=plan.size,
        optimizer=plan.optimizer,
        searches=plan.searches,
    )
    expected = estimate(inputs, plan.prices)
    table = Table("purpose", "model", "calls", "expected USD", title="Estimate; nothing was called")
    for line in expected:
        usd = "price unknown" if line.usd is None else f"{line.usd:.4f}"
        table.add_row(line.purpose.value, line.model, f"{line.calls:,}", usd)
    console().print(table)
    if plan.searches:
        optimizer = OPTIMIZERS[plan.optimizer]
        versions = ", ".join(" ".join(item) for item in optimizer.versions.items())
        say(f"The optimizer is {optimizer.title} ({versions}).")
    total = sum(line.usd or 0.0 for line in expected)
    say(f"{total:.4f} USD in total; the cap is {budget_usd:.4f} USD (--budget-usd).")
    if unknown := sorted({line.model for line in expected if line.usd is None}):
        say(f"Not counted, because no price is known: {', '.join(unknown)}. Set it with --price.")
    if free := why_free((line.model for line in expected), plan.prices.get, plan.config):
        say(free)
    for obstacle in RunChecks(plan, sides, plan.prices.get, gate_history).obstacles():
        say(f"The run would stop: {obstacle}")
