"""Check once a day whether traffic has drifted. If so, start a learning run early."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from route_switch.domain.learning.drift import (
    MAX_WINDOW_DAYS,
    Drift,
    Prediction,
    compare_traffic,
    prediction_of,
)
from route_switch.domain.learning.learning_ports import LearningRuns, RoutedDays, RunHistory
from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.ports import PromptStore, SwitchStore
from route_switch.domain.prompt_document import readable_prompt


class DriftOutcome(StrEnum):
    NO_PREDICTION = "no prediction"
    """The live prompt was written or edited by hand, was not learned from traffic, or is broken."""
    TOO_FEW = "too few requests"
    NO_DRIFT = "no drift"
    RUN_STARTED = "run started"
    STARTED_BEFORE = "run started before"
    """This version's prediction already proved wrong and started a run."""
    LEARNING_OFF = "learning off"


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """`prompt_version` is the live version as records name it, None when there is none."""

    outcome: DriftOutcome
    prompt_version: str | None = None
    drift: Drift | None = None


class CheckDrift:
    """Starts at most one run per prompt version, so that a shift that no prompt can adapt to costs
    one run, not one a day. A run that failed, or could not start because another run was in
    progress, does not count and is started again the next day. The reason includes a content
    digest, because deleting the parameter restarts its version numbers."""

    def __init__(
        self,
        prompts: PromptStore,
        days: RoutedDays,
        runs: LearningRuns,
        history: RunHistory,
        switches: SwitchStore,
    ) -> None:
        self._history = history
        self._switches = switches
        self._prompts = prompts
        self._days = days
        self._runs = runs

    def __call__(self, today: date) -> DriftCheck:
        """Check the days before `today` (UTC)."""
        live = self._prompts.read_live()
        prompt = None if live is None else readable_prompt(live.document)
        if live is None or prompt is None:
            return DriftCheck(DriftOutcome.NO_PREDICTION)
        version, prediction = f"live@{live.version}", prediction_of(prompt)
        if prediction is None:
            return DriftCheck(DriftOutcome.NO_PREDICTION, version)
        drift = self._compare(prediction, version, today)
        if drift is None:
            return DriftCheck(DriftOutcome.TOO_FEW, version)
        if not drift.is_found:
            return DriftCheck(DriftOutcome.NO_DRIFT, version, drift)
        if not self._switches.read().may_learn:
            return DriftCheck(DriftOutcome.LEARNING_OFF, version, drift)
        reason = f"drift-live-{live.version}-{prompt.version}"
        started = not self._history.ran_for(reason) and self._start(reason, today)
        outcome = DriftOutcome.RUN_STARTED if started else DriftOutcome.STARTED_BEFORE
        return DriftCheck(outcome, version, drift)

    def _compare(self, prediction: Prediction, version: str, today: date) -> Drift | None:
        days = (today - timedelta(days=ago) for ago in range(1, MAX_WINDOW_DAYS + 1))
        return compare_traffic(prediction, [self._days.routed(day, version) for day in days])

    def _start(self, reason: str, today: date) -> bool:
        midnight = datetime.combine(today, time(), UTC)
        start = StartRun(scheduled_time=midnight, trigger="drift", reason=reason)
        return self._runs.start(f"{today:%Y-%m-%d}-{reason}", start)
