"""Approve or reject the candidate of a run that waits for a person."""

from dataclasses import dataclass
from typing import Protocol

from route_switch.domain.learning.stored_run import StoredRun
from route_switch.domain.operations.audit import Change
from route_switch.domain.operations.refused_changes import ChangeRefusedError, UnknownSubjectError
from route_switch.domain.operations.words import Words
from route_switch.domain.ports import SwitchStore
from route_switch.services.learning.start_run import check_learning_is_on
from route_switch.services.operations.record_change import RecordChange


class WaitingRuns(Protocol):
    def load(self, run_id: str) -> StoredRun | None: ...

    def answered(self, run_id: str) -> None:
        """Note that no approval is pending any more."""
        ...


class Approvals(Protocol):
    def answer(self, token: str, *, approved: bool, by: str) -> bool:
        """Return False if the run is not waiting any more."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerApproval:
    runs: WaitingRuns
    approvals: Approvals
    switches: SwitchStore
    record: RecordChange
    words: Words

    def __call__(self, run_id: str, *, approved: bool) -> str:
        """Return who answered, as recorded. Raise `UnknownSubjectError`, or `ChangeRefusedError` if
        the run is not waiting, or if it is approved while learning is off."""
        run = self.runs.load(run_id)
        if run is None:
            listed = f"{self.words.list_runs} lists them."
            raise UnknownSubjectError(f"There is no run {run_id}. {listed}")
        token = run.token
        if run.outcome is not None or token is None:
            raise _not_waiting(f"Run {run_id} is not waiting for approval: {run.state_in_words}.")
        if approved:  # With learning off the run would end unpromoted, and could not be approved.
            check_learning_is_on(self.switches, self.words)
        decision, after = ("approve", "approved") if approved else ("reject", "rejected")
        change = Change("prompt", decision, f"run {run_id}", "waits for approval", after)
        who = self.record.by()

        def make() -> None:
            self._answer(run, token, who, approved=approved)

        self.record(change, make, lambda _: after)
        self.runs.answered(run_id)
        return who

    def _answer(self, run: StoredRun, token: str, who: str, *, approved: bool) -> None:
        if not self.approvals.answer(token, approved=approved, by=who):
            raise _not_waiting(
                f"Run {run.id} is not waiting any more: it was answered, timed out or was stopped. "
                f"To make its candidate live by hand, use {self.words.publish}."
            )


def _not_waiting(message: str) -> ChangeRefusedError:
    return ChangeRefusedError(message, "run_not_waiting")
