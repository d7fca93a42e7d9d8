"""A learning run: its inputs, and the files that it writes."""

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from route_switch.adapters.learning.outcome_file import serialize_outcomes
from route_switch.domain.errors import BudgetReachedError, ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import RunFiles, SpendingCap
from route_switch.domain.learning.promotion import GateHistory
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.providers import IN_PROCESS, is_simulated, provider_of
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.learning_steps import Findings, LearningSteps, Plan, Progress
from route_switch.optimizer.neighbors import EmbedTexts
from route_switch.optimizer.report import html_page, json_file, markdown_page
from route_switch.optimizer.report.assemble import ReportContext, assemble_report
from route_switch.optimizer.report.figures import Report
from route_switch.services.learning.metered_calls import MeteredCalls

HISTORY_BEFORE = "gate-history-before-{}.json"
"""The gate history as a run found it, by the run's fingerprint: other examples or settings make
another run, and another look."""
PACKAGES = ("route-switch", "dspy", "optuna", "litellm", "numpy", "onnxruntime")


@dataclass(frozen=True, slots=True)
class RunDependencies:
    """The dependencies of a run. All paid calls go through `calls`, within `cap`."""

    calls: MeteredCalls
    cap: SpendingCap
    embed: EmbedTexts
    progress: Progress


@dataclass(frozen=True, slots=True)
class GateHistoryFile:
    """The error budget that earlier gates spent, in a file that runs share."""

    files: RunFiles
    name: str = "gate-history.json"

    def read(self) -> GateHistory:
        return _history(self.files.read(self.name) or b"{}", self.name)

    def write(self, history: GateHistory) -> None:
        self.files.write(self.name, history.model_dump_json().encode())


@dataclass(frozen=True, slots=True)
class LearningJob:
    """A learning run. Called again with the same files, it continues where it was stopped.

    `cap_usd` and `command` are only for the report.
    """

    plan: Plan
    examples: tuple[Example, ...]
    examples_digest: str
    incumbent: RoutingPrompt
    hand_written: RoutingPrompt
    files: RunFiles
    history: GateHistoryFile
    cap_usd: float
    command: str
    monthly_queries: int
    workload_notes: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, dependencies: RunDependencies) -> Report:
        """Run everything and return the report.

        Raise the `RunStoppedError` that stopped the run, except for the cap: then the report covers
        what is known.
        """
        history = self.history_before()
        found = self._learn(dependencies)(self.examples, self.incumbent, self.hand_written, history)
        _raise_stop(found)
        return self._write_results(found, dependencies.calls)

    def search(self, dependencies: RunDependencies) -> Findings:
        """Run the first part only, with the same errors. Its answers are in the calls' memo."""
        found = self._learn(dependencies).search(self.examples, self.incumbent, self.hand_written)
        _raise_stop(found)
        return found

    def _learn(self, dependencies: RunDependencies) -> LearningSteps:
        return LearningSteps(
            self.plan,
            dependencies.calls,
            dependencies.cap,
            dependencies.embed,
            dependencies.progress,
        )

    def _write_results(self, found: Findings, calls: MeteredCalls) -> Report:
        if found.gate is not None:  # before anybody can act on the results
            self.history.write(found.gate.history)
        candidate = candidate_prompt(found, self.plan, self.examples_digest)
        report = assemble_report(found, candidate, self.plan, calls, self._report_context())
        if found.tables is not None and found.built is not None:
            self.files.write("outcomes.jsonl.gz", serialize_outcomes(found.built.table))
        texts = {
            "candidate.json": to_json(candidate),
            "candidate.md": to_markdown(candidate),
            "report.json": json_file.to_json(report),
            "report.html": html_page.to_html(report),
            "report.md": markdown_page.to_markdown(report),
        }
        for name, text in texts.items():
            self.files.write(name, text.encode())
        return report

    def history_before(self) -> GateHistory:
        """Return the history as of the start of the run: a resumed run is one look, not two."""
        name = HISTORY_BEFORE.format(self.fingerprint)
        kept = self.files.read(name)
        if kept is not None:
            return _history(kept, name)
        before = self.history.read()
        self.files.write(name, before.model_dump_json().encode())
        return before

    @property
    def fingerprint(self) -> str:
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
            plan.max_quality_loss,
            plan.no_worse_margin,
        )
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    def _report_context(self) -> ReportContext:
        return ReportContext(
            created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            command=self.command,
            versions=versions(),
            simulated=simulated_parts(self.plan),
            cap_usd=self.cap_usd,
            monthly_queries=self.monthly_queries,
            workload_notes=self.workload_notes,
        )


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that influence a run's results."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):  # route-switch itself, in the image
            found[name] = importlib.metadata.version(name)
    return found


def default_proposer(models: Mapping[Tier, str], router_model: str) -> str:
    """Return the large model if it can be called, else the router model, else the simulated one."""
    for name in (models[Tier.LARGE], router_model):
        if "/" in name and provider_of(name) not in IN_PROCESS:
            return name
    return "offline/proposer"


def simulated_parts(plan: Plan) -> tuple[str, ...]:
    parts = []
    if any(is_simulated(name) for name in plan.models.values()):
        parts.append("the tier models (offline/…: they replay recorded answers of real models)")
    if is_simulated(plan.proposer_model):
        parts.append(f"the proposer ({plan.proposer_model}: a handful of rules, not an LLM)")
    if plan.judge_model is not None and is_simulated(plan.judge_model):
        parts.append(f"the judge ({plan.judge_model}: it repeats recorded scores)")
    return tuple(parts)


def _raise_stop(found: Findings) -> None:
    if found.stopped_by is not None and not isinstance(found.stopped_by, BudgetReachedError):
        raise found.stopped_by


def _history(content: bytes, name: str) -> GateHistory:
    try:
        return GateHistory.model_validate_json(content)
    except ValidationError as error:
        raise ConfigurationError(
            f"{name} is not a gate history. Remove it to start a new one."
        ) from error
