"""Run the optimizer's steps (outcomes, search, evaluation) in slices.

Every answer is in S3 before it is used, so nothing is paid twice if a slice is cut off: the next
one replays the known answers and continues. All other computation is deterministic.
"""

from collections.abc import Callable
from typing import Protocol

from route_switch.domain.errors import (
    BudgetReachedError,
    ConfigurationError,
    DeadlineReachedError,
)
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_run import LearningRun
from route_switch.domain.learning.promise import NOT_PROMISED
from route_switch.domain.learning.split import split
from route_switch.domain.ports import SwitchStore
from route_switch.optimizer.learning_job import LearningJob, RunDependencies
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT
from route_switch.optimizer.report.figures import Report
from route_switch.services.learning.build_outcomes import BuildOutcomes
from route_switch.services.learning.judge_answers import judge_of
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.workflow.events import Evaluated, Slice, WorkEvent


class RunParts(Protocol):
    """The dependencies of a slice, connected to AWS."""

    @property
    def plan(self) -> Plan: ...

    def examples(self, run: LearningRun) -> tuple[Example, ...]: ...

    def job(self, run: LearningRun) -> tuple[LearningJob, RunDependencies]: ...

    def calls(self, run: LearningRun, shard: int | None = None) -> MeteredCalls:
        """Return the paid calls of the run, or of one shard of its outcomes."""


class RunSlice:
    """Run one slice. `warn` receives messages that a log may show."""

    def __init__(
        self,
        config: LearningConfig,
        switches: SwitchStore,
        parts: RunParts,
        warn: Callable[[str], None],
    ) -> None:
        self._config = config
        self._switches = switches
        self._parts = parts
        self._warn = warn

    def __call__(self, event: WorkEvent) -> Slice:
        """Return whether the step is done. If learning is off, every step ends at once and the last
        one reports it. Raise `ConfigurationError` if a step takes more slices than allowed."""
        if not self._switches.read().may_learn:
            return self._turned_off(event)
        if event.slice >= self._config.slices:
            raise ConfigurationError(
                f"'{event.step}' is not done after {self._config.slices} slices. Allow longer "
                "slices (slice_s) or more of them (slices), or learn from fewer examples (sample)."
            )
        try:
            return self._step(event)
        except DeadlineReachedError:
            return Slice(done=False, slice=event.slice + 1)

    def _turned_off(self, event: WorkEvent) -> Slice:
        if event.step != "evaluate":
            return Slice(done=True, slice=event.slice)
        spent_usd = self._parts.calls(event.run).spent_usd
        return Evaluated(done=True, slice=event.slice, off=True, spent_usd=spent_usd)

    def _step(self, event: WorkEvent) -> Slice:
        match event.step:
            case "outcomes":
                self._build_outcomes(event)
            case "optimize":
                job, dependencies = self._parts.job(event.run)
                job.search(dependencies)
            case "evaluate":
                job, dependencies = self._parts.job(event.run)
                return self._evaluated(job(dependencies), event.slice)
        return Slice(done=True, slice=event.slice)

    def _build_outcomes(self, event: WorkEvent) -> None:
        """Fill every n-th example. If the cap is reached, later steps use what is there."""
        config = self._config
        sides = split(self._parts.examples(event.run))
        rows = (*sides.train, *sides.validation, *sides.heldout)
        calls = self._parts.calls(event.run, event.shard)
        plan = self._parts.plan
        judge = judge_of(calls, plan.judge, plan.max_not_understood)
        build = BuildOutcomes(
            calls,
            judge,
            config.threads,
            max_not_understood=plan.max_not_understood,
            capabilities=plan.config.models.capabilities_of,
            output_limit=plan.config.stated_output_limit,
        )
        try:
            build.fill(rows[event.shard :: config.shards], plan.models)
        except BudgetReachedError as stop:
            self._warn(str(stop))

    def _evaluated(self, report: Report, number: int) -> Evaluated:
        done = Evaluated(
            done=True,
            slice=number,
            spent_usd=report.spend.total_usd,
            stopped_by=report.stopped_by,
            output_ratios=report.output_ratios,
        )
        gate, saving = report.gate, report.saving_usd_a_month
        if gate is None:
            return done
        quality = {each.policy: each.quality.mean for each in report.policies}
        over_shadow = report.against.get(self._parts.plan.config.shadow_answer_tier.alias)
        asks_always = self._config.approval == "always"
        always = "this stage asks before every promotion" if asks_always else None
        return done.model_copy(
            update={
                "verdict": NOT_PROMISED if report.lacks_promise else gate.verdict,
                "promise": report.promise.candidate if report.promise else None,
                "ask": gate.needs_approval or always,
                "gain_over_shadow_low": None if over_shadow is None else over_shadow.low,
                "rests_on": gate.rests_on,
                "gain": gate.gain.mean,
                "gain_low": gate.gain.low,
                "gain_high": gate.gain.high,
                "heldout_rows": gate.gain.n,
                "quality_live": quality.get(INCUMBENT),
                "quality_candidate": quality.get(CANDIDATE),
                "smallest_visible": gate.smallest_visible,
                "saving_usd_a_month": None if saving is None else saving.mean,
            }
        )
