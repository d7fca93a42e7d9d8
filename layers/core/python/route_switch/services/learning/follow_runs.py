"""Runs with their present state: what is recorded, whether they still run, and how far they have
got."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from route_switch.domain.learning.learning_run import time_of_run
from route_switch.domain.learning.stored_run import Execution, ShownRun, StoredRun
from route_switch.domain.ports import JsonObject


class RecordedRuns(Protocol):
    def newest(self, limit: int) -> Sequence[StoredRun]: ...

    def load(self, run_id: str) -> StoredRun | None: ...


@dataclass(frozen=True, slots=True)
class FollowRuns:
    """`execution` returns the state of an execution, `of_name` that of the one that a run's id
    names. `progress` returns what a run wrote about itself."""

    runs: RecordedRuns
    execution: Callable[[str], Execution]
    of_name: Callable[[str], Execution]
    progress: Callable[[str], JsonObject | None]

    def newest(self, limit: int) -> list[ShownRun]:
        return [self._shown(run) for run in self.runs.newest(limit)]

    def load(self, run_id: str) -> ShownRun | None:
        """Return a run, or None if there is none. One that was started by hand is recorded only
        once its first step has run; until then, it is shown as started at the time in its id."""
        run = self.runs.load(run_id)
        if run is not None:
            return self._shown(run)
        found = self.of_name(run_id)
        if found == "unknown":
            return None
        message = None if found == "running" else NEVER_BEGAN
        started_at = int(time_of_run(run_id).timestamp())
        begun = StoredRun(run_id, "manual", started_at, message=message)
        return ShownRun(begun, begun.state(found))

    def _shown(self, run: StoredRun) -> ShownRun:
        if run.outcome is not None:
            return ShownRun(run, "ended")
        state = run.state("unknown" if run.execution is None else self.execution(run.execution))
        progress = self.progress(run.id) if state == "under_way" else None
        return ShownRun(run, state, progress)


NEVER_BEGAN = "The run ended before it began: another run was in progress, or learning was off."
