"""Looks once a day whether traffic has drifted, and if so starts a learning run early."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from route_switch.domain.learning.drift import MAX_DAYS, Drift, Prediction, compare, prediction_of
from route_switch.domain.learning.learning_ports import LearningRuns, RoutedDays, RunHistory
from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.ports import PromptStore, SwitchStore
from route_switch.domain.prompt_document import readable_prompt


class DriftOutcome(StrEnum):
    NO_PREDICTION = "no prediction"
    """The live prompt was written or edited by hand, learned from no traffic, or is broken."""
    TOO_FEW = "too few requests"
    NO_DRIFT = "no drift"
    RUN_STARTED = "run started"
    STARTED_BEFORE = "run started before"
    """What this version was predicted to give has been found wrong already."""
    LEARNING_OFF = "learning off"


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """`prompt_version` is the live one as records name it, None where there is none."""

    outcome: DriftOutcome
    prompt_version: str | None = None
    drift: Drift | None = None


class CheckDrift:
    """A version of the prompt gets one run: a shift that no prompt can do anything about costs one
    run, not one a day. A run that failed, or that never began because another one was under way,
    does not count, and is started again on the next day. The reason holds the content as well: who
    deletes the parameter restarts its numbers."""

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
        """Looks at the days before `today` (UTC)."""
        live = self._prompts.read_live()
        prompt = None if live is None else readable_prompt(live.document)
        if live is None or prompt is None:
            return DriftCheck(DriftOutcome.NO_PREDICTION)
        version, prediction = f"live@{live.version}", prediction_of(prompt)
        if prediction is None:
            return DriftCheck(DriftOutcome.NO_PREDICTION, version)
        drift = self._drift(prediction, version, today)
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

    def _drift(self, prediction: Prediction, version: str, today: date) -> Drift | None:
        days = (today - timedelta(days=ago) for ago in range(1, MAX_DAYS + 1))
        return compare(prediction, [self._days.routed(day, version) for day in days])

    def _start(self, reason: str, today: date) -> bool:
        midnight = datetime.combine(today, time(), UTC)
        start = StartRun(scheduled_time=midnight, trigger="drift", reason=reason)
        return self._runs.start(f"{today:%Y-%m-%d}-{reason}", start)
