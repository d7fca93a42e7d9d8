"""The state of learning: its money, its next run, the rows it lacks, drift and drops of quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.drift import DriftDay
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_ports import LearningIndex
from route_switch.domain.learning.report_facts import ReportFacts
from route_switch.domain.learning.rows_left import RowsLeft, rows_left
from route_switch.domain.learning.schedule import next_start
from route_switch.domain.learning.stored_run import StoredRun
from route_switch.domain.ports import StoredVersion, SwitchStore
from route_switch.domain.prompts.quality_events import QualityEvent, in_order
from route_switch.domain.router_config import TextStorage
from route_switch.services.learning.spending_caps import PreviousMonth, learning_cap

DRIFT_DAYS = 90
RUNS_READ = 12
"""Newest runs in which a report is looked for: a quarter of a year."""


class LearningRecords(Protocol):
    """What is recorded about learning. Every method may raise `StoreError`."""

    def previous_month(self, first: date) -> PreviousMonth: ...

    def taken_usd(self, month: str) -> float:
        """Return what the month's runs have spent or reserved."""
        ...

    def runs(self, limit: int) -> Sequence[StoredRun]:
        """Return the newest runs first."""
        ...

    def report(self, run_id: str) -> ReportFacts | None: ...

    def drift(self, days: int) -> list[DriftDay]:
        """Return the newest last."""
        ...

    def quality_events(self) -> Sequence[QualityEvent]: ...

    def versions(self) -> Sequence[StoredVersion]: ...


@dataclass(frozen=True, slots=True)
class LearningStatus:
    """`budget_usd` is the cap of the month (`YYYY-MM`, UTC). `notes` say why something is not
    known. `left_out` counts examples that the newest run did not use, by reason."""

    month: str
    budget_usd: float
    spent_usd: float
    next_run_at: datetime | None
    rows: RowsLeft
    drift: list[DriftDay]
    quality: list[QualityEvent]
    left_out: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShowLearning:
    config: LearningConfig
    text_storage: TextStorage
    switches: SwitchStore
    index: LearningIndex
    records: LearningRecords

    def __call__(self, now: datetime) -> LearningStatus:
        first, month = now.date().replace(day=1), f"{now:%Y-%m}"
        days = [now.date() - timedelta(days=n) for n in range(self.config.days)]
        routed, runs = self.index.count(days), self.records.runs(RUNS_READ)
        drift = self.records.drift(DRIFT_DAYS)
        next_run_at, why = self._next_run(now)
        return LearningStatus(
            month,
            learning_cap(self.config, self.records.previous_month(first)),
            self.records.taken_usd(month),
            next_run_at,
            rows_left(routed.replayable, self.config, self._newest_report(runs)),
            drift,
            in_order(self.records.quality_events(), self.records.versions()),
            next((run.left_out for run in runs if run.left_out), {}),
            tuple(note for note in (why, self._why_no_texts(), _why_no_drift(drift)) if note),
        )

    def _next_run(self, now: datetime) -> tuple[datetime | None, str | None]:
        try:
            is_on = self.switches.read().may_learn
        except ConfigurationError:
            return None, "The stored switches cannot be read, so no run will start."
        if not is_on:
            return None, "Learning is off: no run starts."
        start = next_start(self.config.schedule, now)
        if start is None:
            return None, f"The schedule {self.config.schedule} does not say when the next run is."
        return start, None

    def _newest_report(self, runs: Sequence[StoredRun]) -> ReportFacts | None:
        for run in runs:
            report = None if run.outcome is None else self.records.report(run.id)
            if report is not None:
                return report
        return None

    def _why_no_texts(self) -> str | None:
        if self.text_storage == "full":
            return None
        return (
            f"text_storage is '{self.text_storage}', so no request can be replayed: learning uses "
            "only the seed file."
        )


def _why_no_drift(drift: Sequence[DriftDay]) -> str | None:
    if drift:
        return None
    return (
        "No drift was measured yet. It needs a live prompt that was learned from traffic, and at "
        "least 100 requests that it routed in the last week."
    )
