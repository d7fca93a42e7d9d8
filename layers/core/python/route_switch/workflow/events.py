"""The inputs and results of the workflow's functions.

States carry names and numbers; data goes through S3.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from route_switch.domain.learning.learning_run import LearningRun, StartRun
from route_switch.domain.learning.prompt_news import ShadowAfter as ShadowAfter
from route_switch.domain.output_ratio import MeasuredRatio
from route_switch.domain.prompts.rollback import RollbackOrder


class WorkflowEvent(BaseModel):
    """Base of inputs and results. It ignores fields that Step Functions adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ClaimEvent(WorkflowEvent):
    step: Literal["claim"]
    execution: str
    start: StartRun


class CollectEvent(WorkflowEvent):
    step: Literal["collect"]
    run: LearningRun


class AskEvent(WorkflowEvent):
    """`token` lets its holder resume the waiting state. `why` is the reason for the approval."""

    step: Literal["ask"]
    run: LearningRun
    token: str
    why: str


class WorkEvent(WorkflowEvent):
    """One slice of an optimizer step. Slices count from 0."""

    step: Literal["outcomes", "optimize", "evaluate"]
    run: LearningRun
    slice: Annotated[int, Field(ge=0)] = 0
    shard: Annotated[int, Field(ge=0)] = 0


class Claimed(WorkflowEvent):
    """`run` is None if no run begins: it is a duplicate or learning is off, as `why` explains."""

    claimed: bool
    off: bool = False
    run: LearningRun | None = None
    shards: tuple[int, ...] = ()
    why: str | None = None


class Collected(WorkflowEvent):
    """`requests` is the number of requests to draw from, `from_seed` that of seed examples.

    `unreadable` records were left out; `unreadable_ids` names the first of them. `labels_left_out`
    counts labels beyond what one client may give, `costly` examples of a client that were too many
    for what they cost (`services.learning.cost_share`). `withdrawn_demos` of the live prompt show
    queries that were deleted.
    """

    enough: bool
    examples: int
    from_seed: int
    requests: int
    needed: int
    note: str | None = None
    unreadable: int = 0
    unreadable_ids: tuple[str, ...] = ()
    labels_left_out: int = 0
    costly: int = 0
    withdrawn_demos: int = 0


class Slice(WorkflowEvent):
    """Whether the step is done, and otherwise the number of the next slice."""

    done: bool
    slice: int


class Evaluated(Slice):
    """The candidate's figures on held-out rows. `verdict` is 'not measured' if the cap was reached
    first or learning was turned off."""

    verdict: str = "not measured"
    off: bool = False
    promise: str | None = None
    """What can be promised about the candidate, in words; None if the stage asks for nothing."""
    ask: str | None = None
    """Why a person has to approve, or None if no approval is needed."""
    gain_over_shadow_low: float | None = None
    """Lower bound of the candidate's gain over the tier that answers in shadow, 95%."""
    rests_on: str | None = None
    """The client that the evidence rests on, or None if it rests on no single one."""
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    heldout_rows: int = 0
    quality_live: float | None = None
    """Share of equivalent answers on all held-out rows with the live prompt."""
    quality_candidate: float | None = None
    """The same with the candidate."""
    smallest_visible: float | None = None
    spent_usd: float = 0.0
    saving_usd_a_month: float | None = None
    stopped_by: str | None = None
    output_ratios: tuple[MeasuredRatio, ...] = ()


class Approval(WorkflowEvent):
    approved: bool
    by: str = "silence"


class ShadowEvidence(WorkflowEvent):
    """The part of `Evaluated` that says whether routing may go live."""

    gain_over_shadow_low: float | None = None


class PromotionState(WorkflowEvent):
    """The part of a run's state that the promoter reads."""

    run: LearningRun
    approval: Approval | None = None
    evaluated: ShadowEvidence | None = None


class PromoteEvent(WorkflowEvent):
    step: Literal["promote"]
    state: PromotionState


class RollbackEvent(RollbackOrder):
    step: Literal["rollback"]


class StartEvent(WorkflowEvent):
    """Sent by each deployment: if there is no live prompt, the seed becomes it."""

    step: Literal["start"]


class Promoted(WorkflowEvent):
    """`version` is the live prompt's, or None if it was left unchanged: learning is `off`, or for
    the reason in `why`. `new` means that this call made the version. `shadow` is None on a stage
    that was not in shadow."""

    promoted: bool
    off: bool = False
    version: int | None = None
    new: bool = False
    why: str | None = None
    shadow: ShadowAfter | None = None


class Started(WorkflowEvent):
    """`version` is the live prompt's."""

    version: int


class CaughtError(WorkflowEvent):
    """An error as Step Functions' Catch passes it on."""

    Error: str = "unknown"
    Cause: str = ""


class RunState(WorkflowEvent):
    """The accumulated results of a run's states; None for states that did not run."""

    run: LearningRun | None = None
    collected: Collected | None = None
    evaluated: Evaluated | None = None
    approval: Approval | None = None
    promoted: Promoted | None = None
    error: CaughtError | None = None

    @field_validator("evaluated", mode="before")
    @classmethod
    def _only_final_results(cls, value: object) -> object:
        """Drop the number of the next slice, which the field holds between slices."""
        return value if isinstance(value, dict | Evaluated) and _is_done(value) else None


def _is_done(value: dict[str, object] | Evaluated) -> bool:
    return bool(value.get("done") if isinstance(value, dict) else value.done)


class ReportEvent(WorkflowEvent):
    step: Literal["report", "fail"]
    execution: str
    state: RunState


class Notice(WorkflowEvent):
    """The notification. `subject` is an SNS subject: ASCII, at most 100 characters."""

    outcome: str
    subject: str
    message: str
