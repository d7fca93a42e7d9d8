"""A learning run: its inputs, and the files that it writes."""

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from route_switch.adapters.learning.outcome_file import serialize_outcomes
from route_switch.domain.errors import BudgetReachedError, ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.learning_ports import ClaimsToDemos, RunFiles, SpendingCap
from route_switch.domain.learning.promotion import MIN_ROWS, GateHistory, GateResult, gate
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.providers import IN_PROCESS, is_simulated, provider_of
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tier_parameters import model_of
from route_switch.domain.tiers import Tier
from route_switch.optimizer.artifact import candidate_prompt
from route_switch.optimizer.claimed_demos import claims_to_demos
from route_switch.optimizer.curve import decided_rows
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.learning_steps import LearningSteps
from route_switch.optimizer.neighbors import EmbedTexts
from route_switch.optimizer.plan import Plan, Progress
from route_switch.optimizer.report import html_page, json_file, markdown_page, steering_file
from route_switch.optimizer.report.assemble import ReportContext, assemble_report
from route_switch.optimizer.report.figures import Report
from route_switch.services.learning.metered_calls import MeteredCalls

PACKAGES = (
    "route-switch",
    "dspy",
    "gepa",
    "optuna",
    "litellm",
    "numpy",
    "scikit-learn",
    "onnxruntime",
)


@dataclass(frozen=True, slots=True)
class RunDependencies:
    """The dependencies of a run. All paid calls go through `calls`, within `cap`."""

    calls: MeteredCalls
    cap: SpendingCap
    embed: EmbedTexts
    progress: Progress


@dataclass(frozen=True, slots=True)
class GateHistoryFile:
    """`GateLedger` in a file that runs share."""

    files: RunFiles
    name: str = "gate-history.json"

    def read(self) -> GateHistory:
        return self._parse(self.files.read(self.name))

    def check(self) -> None:
        """Raise now, before anything is paid, if the file could not be updated at the end."""
        self.files.update(self.name, lambda content: _as_json(self._parse(content)))

    def look(self, rows: Sequence[HeldOutGain], test: str, min_rows: int = MIN_ROWS) -> GateResult:
        found: list[GateResult] = []

        def change(content: bytes | None) -> bytes:
            found.append(gate(rows, self._parse(content), test=test, min_rows=min_rows))
            return _as_json(found[-1].history)

        self.files.update(self.name, change)
        return found[-1]

    def _parse(self, content: bytes | None) -> GateHistory:
        try:
            return GateHistory.model_validate_json(content or b"{}")
        except ValidationError as error:
            raise ConfigurationError(
                f"{self.name} is not a gate history. Remove it to start a new one."
            ) from error


@dataclass(frozen=True, slots=True)
class LearningJob:
    """A learning run. Called again with the same files, it continues where it was stopped.

    `cap_usd`, `command` and `odd_lines` (of the examples' file) are only for the report.
    `least_steered` is the prompt of the last versions that texts around a query moved least.
    `withdrawn` are digests of the incumbent's demos whose requests were deleted: no candidate shows
    them. A stage keeps in `claims` whose requests the candidate's demos were taken from; the
    examples are those of the time `began_at` (UNIX).
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
    odd_lines: int = 0
    least_steered: RoutingPrompt | None = None
    withdrawn: frozenset[str] = frozenset()
    claims: ClaimsToDemos | None = None
    began_at: float = 0.0

    def __call__(self, dependencies: RunDependencies) -> Report:
        """Run everything and return the report.

        Raise the `RunStoppedError` that stopped the run, except for the cap: then the report covers
        what is known.
        """
        self.history.check()
        found = self._learn(dependencies)(
            self.examples, self.incumbent, self.hand_written, self.history
        )
        _raise_stop(found)
        return self._write_results(found, dependencies.calls)

    def search(self, dependencies: RunDependencies) -> Findings:
        """Run the first part only, with the same errors. Its answers are in the calls' memo."""
        self.history.check()
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
            self.least_steered,
            self.withdrawn,
        )

    def _write_results(self, found: Findings, calls: MeteredCalls) -> Report:
        candidate = candidate_prompt(found, self.plan, self.examples_digest)
        self._keep_claims(candidate)  # before any file shows the demos
        report = assemble_report(found, candidate, self.plan, calls, self._report_context())
        if found.tables is not None and found.built is not None:
            self.files.write("outcomes.jsonl.gz", serialize_outcomes(found.built.table))
        self._write_decisions(found)
        texts = {
            "candidate.json": to_json(candidate),
            "candidate.md": to_markdown(candidate),
            "steering.json": steering_file.to_json(report),
            "report.json": json_file.to_json(report),
            "report.html": html_page.to_html(report),
            "report.md": markdown_page.to_markdown(report),
        }
        for name, text in texts.items():
            self.files.write(name, text.encode())
        return report

    def _keep_claims(self, candidate: RoutingPrompt) -> None:
        if self.claims is None:
            return
        claims = claims_to_demos(
            candidate,
            self.incumbent,
            self.examples,
            self.plan.learn_from_text,
            self.began_at,
        )
        self.claims.add(claims)

    def _write_decisions(self, found: Findings) -> None:
        """Write the decisions. A run without any empties the file that an earlier run left, so that
        the folder never holds those of another report."""
        if found.decisions is not None:
            self.files.write(decided_rows.FILE, found.decisions.to_bytes())
        elif self.files.read(decided_rows.FILE):
            self.files.write(decided_rows.FILE, b"")

    def _report_context(self) -> ReportContext:
        return ReportContext(
            created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            command=self.command,
            versions=versions(),
            simulated=simulated_parts(self.plan),
            cap_usd=self.cap_usd,
            monthly_queries=self.monthly_queries,
            workload_notes=self.workload_notes,
            odd_lines=self.odd_lines,
        )


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that influence a run's results."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):  # route-switch itself, in the image
            found[name] = importlib.metadata.version(name)
    return found


def default_proposer(
    models: Mapping[Tier, str], router_model: str, only_recorded: frozenset[str] = frozenset()
) -> str:
    """Return the large model if it can be called, else the router model, else the simulated one.

    A model that is only recorded is not called: a benchmark names models such as
    `meta/llama-2-70b`, whose provider may not exist here.
    """
    for name in (model_of(models[Tier.LARGE]), router_model):
        if "/" in name and provider_of(name) not in IN_PROCESS and name not in only_recorded:
            return name
    return "offline/proposer"


def simulated_parts(plan: Plan) -> tuple[str, ...]:
    parts = []
    if any(is_simulated(name) for name in plan.models.values()):
        parts.append("the tier models (offline/…: they replay recorded answers of real models)")
    if plan.searches and is_simulated(plan.proposer_model):
        parts.append(f"the proposer ({plan.proposer_model}: a handful of rules, not an LLM)")
    if plan.judge_model is not None and is_simulated(plan.judge_model):
        parts.append(f"the judge ({plan.judge_model}: it repeats recorded scores)")
    return tuple(parts)


def _raise_stop(found: Findings) -> None:
    if found.stopped_by is not None and not isinstance(found.stopped_by, BudgetReachedError):
        raise found.stopped_by


def _as_json(history: GateHistory) -> bytes:
    """Sort the keys, so that an unchanged history has unchanged bytes."""
    content = history.model_dump(mode="json")
    content["seen"] = sorted(content["seen"])
    for taken in content["taken"].values():
        taken["rows"] = sorted(taken["rows"])
    return json.dumps(content).encode()
