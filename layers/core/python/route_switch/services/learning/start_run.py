"""Start a learning run now instead of waiting for its schedule."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.operations.audit import Change
from route_switch.domain.operations.refused_changes import ChangeRefusedError
from route_switch.domain.operations.words import Words
from route_switch.domain.ports import SwitchStore
from route_switch.services.operations.record_change import RecordChange


class RunLock(Protocol):
    """Allows one run at a time. Each run's first step takes the lock again."""

    def reserve(self, run_id: str, execution: str) -> str | None:
        """Take the lock for an execution that is about to start. Return None, or the run that holds
        it. Of several starts at the same moment, one takes it."""
        ...

    def release(self, execution: str) -> None:
        """Release the lock if this execution holds it."""
        ...


class Workflow(Protocol):
    def arn_of(self, name: str) -> str:
        """Return the ARN that an execution of this name has."""
        ...

    def start(self, name: str, run: StartRun) -> bool:
        """Return False if a run of this name was started before."""
        ...


@dataclass(frozen=True, slots=True)
class StartLearning:
    workflow: Workflow
    lock: RunLock
    switches: SwitchStore
    record: RecordChange
    words: Words

    def __call__(self, now: datetime) -> str:
        """Return the run's id. Raise `ChangeRefusedError` if learning is off, or if a run is in
        progress."""
        check_learning_is_on(self.switches, self.words)
        start = StartRun(scheduled_time=now.replace(microsecond=0), trigger="manual")
        run_id, execution = start.run_id, self.workflow.arn_of(start.run_id)
        holder = self.lock.reserve(run_id, execution)
        if holder is not None:
            raise self._exists(holder)
        change = Change("prompt", "learn", f"run {run_id}", None, "started")
        try:
            self.record(change, lambda: self._start(run_id, start), lambda _: "started")
        except Exception:
            self.lock.release(execution)
            raise
        return run_id

    def _start(self, run_id: str, start: StartRun) -> None:
        if not self.workflow.start(run_id, start):
            raise self._exists(run_id)

    def _exists(self, run_id: str) -> ChangeRefusedError:
        return ChangeRefusedError(
            f"Nothing was started: run {run_id} is in progress, and one may run at a time. "
            f"{self.words.list_runs} shows how far it is. Start another one when it has ended.",
            "run_exists",
        )


def check_learning_is_on(switches: SwitchStore, words: Words) -> None:
    if not switches.read().may_learn:
        raise ChangeRefusedError(
            f"Learning is off, so nothing was done. Turn it on with {words.turn_learning_on}.",
            "learning_off",
        )
