"""A run of the weekly workflow: its id, its month, and its outcome."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

Trigger = Literal["schedule", "manual", "drift"]
TIME = "%Y-%m-%dT%H%M%SZ"


class RunOutcome(StrEnum):
    """How a run ended. Only `PROMOTED` changes the live prompt."""

    PROMOTED = "promoted"
    NOT_BETTER = "not better"
    NOT_ENOUGH_EVIDENCE = "not enough evidence"
    NOT_PROMISED = "cannot be promised"
    TOO_FEW_EXAMPLES = "too few examples"
    NOT_APPROVED = "not approved"
    PROMPT_CHANGED = "prompt changed"
    LEARNING_OFF = "learning off"
    CAP_REACHED = "cap reached"
    FAILED = "failed"


class StartRun(BaseModel):
    """The input that starts a run. The scheduled time and the trigger identify it."""

    model_config = ConfigDict(frozen=True)

    scheduled_time: AwareDatetime
    trigger: Trigger = "schedule"
    reason: str | None = None
    """Distinguishes starts with the same trigger; for drift, the prompt version that traffic has
    drifted from."""

    @property
    def run_id(self) -> str:
        """`2026-11-22T030000Z`, with a suffix for triggers other than the schedule:
        `2026-11-22T030000Z-drift`."""
        time = f"{self.scheduled_time.astimezone(UTC):{TIME}}"
        return time if self.trigger == "schedule" else f"{time}-{self.trigger}"


class LearningRun(BaseModel):
    """A claimed run, passed from step to step. `cap_usd` covers all runs of its month together."""

    model_config = ConfigDict(frozen=True)

    id: str
    month: str
    trigger: Trigger
    cap_usd: float
    reason: str | None = None

    @property
    def day(self) -> date:
        return day_of_run(self.id)


def time_of_run(run_id: str) -> datetime:
    """Return when the run was scheduled, or started by hand. Raise `ValueError` for other texts."""
    return datetime.strptime(run_id.partition("Z")[0] + "Z", TIME).replace(tzinfo=UTC)


def day_of_run(run_id: str) -> date:
    """Return the day (UTC) on which the run was scheduled."""
    return time_of_run(run_id).date()
