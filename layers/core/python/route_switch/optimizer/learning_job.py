"""A learning run: what it begins from, and what it leaves behind."""

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from route_switch.adapters.learning.outcome_file import outcomes_file
from route_switch.domain.errors import BudgetReachedError, ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import RunFiles, SpendingCap
from route_switch.domain.learning.promotion import GateHistory
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.learning_steps import Findings, LearningSteps, Plan, Progress
from route_switch.optimizer.neighbors import EmbedTexts
from route_switch.optimizer.report import html_page, json_file, markdown_page
from route_switch.optimizer.report.assemble import Circumstances, report_of
from route_switch.optimizer.report.figures import Report
from route_switch.services.learning.metered_calls import MeteredCalls

BEFORE = "gate-history-before-{}.json"
"""As a run found it. Other examples or settings are another run, and another look."""
PACKAGES = ("route-switch", "dspy", "optuna", "litellm", "numpy", "onnxruntime")
HERE = ("local", "offline")
"""Providers without a network."""


@dataclass(frozen=True, slots=True)
class RunDependencies:
    """What a run works with. Everything that it pays goes through `calls`, within `cap`."""

    calls: MeteredCalls
    cap: SpendingCap
    embed: EmbedTexts
    progress: Progress


@dataclass(frozen=True, slots=True)
class GateHistoryFile:
    """What earlier gates used up, in a file that several runs share."""

    files: RunFiles
    name: str = "gate-history.json"

    def read(self) -> GateHistory:
        return _history(self.files.read(self.name) or b"{}", self.name)

    def write(self, history: GateHistory) -> None:
        self.files.write(self.name, history.model_dump_json().encode())


@dataclass(frozen=True, slots=True)
class LearningJob:
    """The same run with the same files goes on where it was stopped.

    `cap_usd` and `command` are for the report.
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
        """The whole run. Raises the `RunStoppedError` that stopped it, unless that was the cap:
        then the report says what is known."""
        history = self.history_before()
        found = self._learn(dependencies)(self.examples, self.incumbent, self.hand_written, history)
        _raise_stop(found)
        return self._leave_behind(found, dependencies.calls)

    def search(self, dependencies: RunDependencies) -> Findings:
        """The first part; raises as the whole does. What it found lies in the memo of the calls."""
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

    def _leave_behind(self, found: Findings, calls: MeteredCalls) -> Report:
        if found.gate is not None:  # before anybody can act on what was found
            self.history.write(found.gate.history)
        candidate = candidate_prompt(found, self.plan, self.examples_digest)
        report = report_of(found, candidate, self.plan, calls, self._circumstances())
        if found.tables is not None and found.built is not None:
            self.files.write("outcomes.jsonl.gz", outcomes_file(found.built.table))
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
        """As it was when the run began: a run that is resumed is one look, not two."""
        name = BEFORE.format(self.fingerprint)
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
        )
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    def _circumstances(self) -> Circumstances:
        return Circumstances(
            created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            command=self.command,
            versions=versions(),
            simulated=simulated_parts(self.plan),
            cap_usd=self.cap_usd,
            monthly_queries=self.monthly_queries,
            workload_notes=self.workload_notes,
        )


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide what a run finds."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):  # our own code, in the image
            found[name] = importlib.metadata.version(name)
    return found


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


def _raise_stop(found: Findings) -> None:
    if found.stopped_by is not None and not isinstance(found.stopped_by, BudgetReachedError):
        raise found.stopped_by


def _history(content: bytes, name: str) -> GateHistory:
    try:
        return GateHistory.model_validate_json(content)
    except ValidationError as error:
        raise ConfigurationError(
            f"{name} is not a gate history. Remove it to begin a new one."
        ) from error
