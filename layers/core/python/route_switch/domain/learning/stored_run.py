"""A learning run as it is recorded, and how it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from route_switch.domain.ports import JsonObject

RunState = Literal["under_way", "waits_for_approval", "ended", "stopped"]
Execution = Literal["running", "ended", "unknown"]
"""`unknown` if Step Functions has no execution of this name any more, or had none."""
_WORDS: Final[dict[RunState, str]] = {
    "under_way": "under way",
    "waits_for_approval": "waits for approval",
    "ended": "ended",
    "stopped": "stopped",
}


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as recorded. Without an outcome, it is in progress or crashed. `token` lets its holder
    answer for the run while it waits for approval. `execution` is an ARN. `left_out` counts
    examples that the run did not use, by reason (`domain.learning.not_used`)."""

    id: str
    trigger: str
    started_at: int
    reason: str | None = None
    outcome: str | None = None
    message: str | None = None
    version: int | None = None
    token: str | None = None
    execution: str | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def state(self, execution: Execution) -> RunState:
        if self.outcome is not None:
            return "ended"
        if execution != "running":
            return "stopped"
        return "under_way" if self.token is None else "waits_for_approval"

    @property
    def state_in_words(self) -> str:
        """The state, as far as the record contains it."""
        if self.outcome is not None:
            return self.outcome
        return "waits for approval" if self.token is not None else "under way, or stopped"


@dataclass(frozen=True, slots=True)
class ShownRun:
    """`progress` is what the run last wrote about itself; None unless it is under way."""

    run: StoredRun
    state: RunState
    progress: JsonObject | None = None

    @property
    def state_in_words(self) -> str:
        """The outcome, or the state of a run that has none."""
        return _WORDS[self.state] if self.run.outcome is None else self.run.outcome


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A report in a form for people."""

    media_type: str
    text: str
