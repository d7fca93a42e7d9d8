"""What the states of the workflow hand to its functions, and what they answer.

Data travels through S3; states carry names and numbers.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from route_switch.domain.learning.learning_run import LearningRun, StartRun
from route_switch.domain.prompts.rollback import RollbackOrder


class Event(BaseModel):
    """Step Functions may add fields that a function does not need."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ClaimEvent(Event):
    step: Literal["claim"]
    execution: str
    start: StartRun


class CollectEvent(Event):
    step: Literal["collect"]
    run: LearningRun


class AskEvent(Event):
    """`token` lets who has it answer for the waiting state; `why` a person is asked."""

    step: Literal["ask"]
    run: LearningRun
    token: str
    why: str


class WorkEvent(Event):
    """One slice of a step of the optimizer; slices are counted from 0."""

    step: Literal["outcomes", "optimize", "evaluate"]
    run: LearningRun
    slice: Annotated[int, Field(ge=0)] = 0
    shard: Annotated[int, Field(ge=0)] = 0


class Claimed(Event):
    """`run` is None where none begins: a duplicate, or learning is off; `why` says more."""

    claimed: bool
    off: bool = False
    run: LearningRun | None = None
    shards: tuple[int, ...] = ()
    why: str | None = None


class Collected(Event):
    """`requests` could have been drawn; `from_seed` examples are from the seed file."""

    enough: bool
    examples: int
    from_seed: int
    requests: int
    needed: int
    note: str | None = None


class Slice(Event):
    """Whether the step is done; if not, the next slice's number."""

    done: bool
    slice: int


class Evaluated(Slice):
    """The candidate on held-out rows; `verdict` is 'not measured' where the cap came before, or
    learning was turned off."""

    verdict: str = "not measured"
    off: bool = False
    ask: str | None = None
    """Why a person has to approve; None: nobody has to."""
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    heldout_rows: int = 0
    quality_live: float | None = None
    """Shares of equivalent answers on the held-out rows, all of them: under what was live, and
    under the candidate."""
    quality_candidate: float | None = None
    smallest_visible: float | None = None
    spent_usd: float = 0.0
    saving_usd_a_month: float | None = None
    stopped_by: str | None = None


class Approval(Event):
    approved: bool
    by: str = "silence"


class Candidacy(Event):
    """What the promoter has to know of a run's state."""

    run: LearningRun
    approval: Approval | None = None


class PromoteEvent(Event):
    step: Literal["promote"]
    state: Candidacy


class RollbackEvent(RollbackOrder):
    step: Literal["rollback"]


class StartEvent(Event):
    """Of each deployment: where there is no live prompt, the seed becomes it."""

    step: Literal["start"]


class Promoted(Event):
    """`version` is that of the live prompt, and `new` says that this very call made it; None where
    it was left alone: because learning is `off`, or `why` says why."""

    promoted: bool
    off: bool = False
    version: int | None = None
    new: bool = False
    why: str | None = None


class Started(Event):
    """`version` is that of the live prompt."""

    version: int


class Trouble(Event):
    """What Step Functions catches."""

    Error: str = "unknown"
    Cause: str = ""


class RunState(Event):
    """All that a run's states have come to know; what did not happen is None."""

    run: LearningRun | None = None
    collected: Collected | None = None
    evaluated: Evaluated | None = None
    approval: Approval | None = None
    promoted: Promoted | None = None
    error: Trouble | None = None

    @field_validator("evaluated", mode="before")
    @classmethod
    def _only_what_is_done(cls, value: object) -> object:
        """Between slices, what lies there is the number of the next one."""
        return value if isinstance(value, dict | Evaluated) and _is_done(value) else None


def _is_done(value: dict[str, object] | Evaluated) -> bool:
    return bool(value.get("done") if isinstance(value, dict) else value.done)


class ReportEvent(Event):
    step: Literal["report", "fail"]
    execution: str
    state: RunState


class Notice(Event):
    """What is published: `subject` is an SNS subject (at most 100 characters, ASCII)."""

    outcome: str
    subject: str
    message: str
