"""Schemas of learning runs, which are not used for validation."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from route_switch.domain.learning.learning_run import Trigger
from route_switch.domain.learning.report_facts import IntervalFacts, PromiseFacts, RowFacts
from route_switch.domain.learning.rows_left import Unit
from route_switch.domain.learning.stored_run import RunState
from route_switch.domain.prompts.quality_events import QualityState


class LeftOutExamples(BaseModel):
    """How many examples were left out for a reason, in words."""

    reason: str
    examples: int


class Run(BaseModel):
    """A learning run. `outcome` and `message` say how it ended; `progress` is what it last wrote
    about itself while it is under way. A run that is `stopped` has no outcome: somebody stopped it,
    or it crashed. `started_at` is when its first step began or, if it never began, when it was due
    to begin. `left_out` says what it did not collect, and is empty until it has collected its
    examples."""

    run: str
    started_at: datetime
    trigger: Trigger
    reason: str | None
    outcome: str | None
    state: RunState
    message: str | None
    live_version: int | None
    progress: dict[str, JsonValue] | None
    left_out: list[LeftOutExamples]


class RunList(BaseModel):
    """Runs, newest first."""

    object: Literal["list"]
    data: list[Run]


class StartedLearningRun(BaseModel):
    """The run that was started. While it is in progress, no other one starts."""

    run: str


class PolicySummary(BaseModel):
    """A policy on the held-out rows, with 95% intervals: `quality` is the share of answers as good
    as Tier 3's, `cost` is relative to all Tier 3, `mix` the share of queries per tier."""

    policy: str
    quality: IntervalFacts
    cost: IntervalFacts
    cost_usd_per_query: float | None
    mix: dict[str, float]


class JudgeSummary(BaseModel):
    """How often the judge agrees with `n` labels; κ is Cohen's."""

    model: str | None
    agreement: float | None
    kappa: float | None
    n: int


class RunSummary(BaseModel):
    """A summary of the run's report. A run that stopped before its held-out rows has no verdict.
    `gain` is that of the candidate over the incumbent, in points of the objective, quality − λ ·
    cost."""

    verdict: str | None
    message: str | None
    needs_approval: str | None
    gain: IntervalFacts | None
    smallest_visible_gain: float | None
    lambda_: Annotated[float | None, Field(alias="lambda")]
    rows: RowFacts
    policies: list[PolicySummary]
    steering: dict[str, JsonValue] | None
    promise: PromiseFacts | None
    judge: JudgeSummary
    spent_usd: float
    simulated: list[str]


class PlottedPolicy(BaseModel):
    """A policy in the plot of quality against cost. `cost` is relative to all Tier 3, `cost_usd`
    per query. Points of the candidate at another λ have that `lambda`."""

    name: str
    strategy: str
    quality: float
    cost: float
    cost_usd: float | None
    lambda_: Annotated[float | None, Field(alias="lambda")]
    is_live: bool
    is_candidate: bool


class RunFrontier(BaseModel):
    points: list[PlottedPolicy]


class RunExamples(BaseModel):
    """What happened to the requests and examples that a run read: `read` is the sum of `merged`
    (those that were merged into an equal one, which counts for them), `left_out` and `used`."""

    read: int
    merged: int
    left_out: list[LeftOutExamples]
    used: int


class RunDetails(Run):
    """`examples`, `summary` and `frontier` are null if the run wrote no report, or one that this
    release cannot read. `artifacts` are the names of its files in the learning bucket."""

    examples: RunExamples | None
    summary: RunSummary | None
    frontier: RunFrontier | None
    candidate_document: str | None
    artifacts: list[str]


class MissingRows(BaseModel):
    """`replayable` requests of the last `days` days can be learned from. The rows that are still
    needed are null if their number is unknown; `note` says why. For a promise they are held-out
    rows, and for a verdict what `verdict_unit` says: requests until a run has enough of them. A run
    holds out a part of its examples, so a held-out row takes several."""

    replayable: int
    days: int
    needed_for_verdict: int | None
    verdict_unit: Unit
    needed_for_promise: int | None
    note: str


class DriftCheckDay(BaseModel):
    """How the traffic up to this day differs from what was predicted for the live prompt: the share
    of requests that would have to move, 0 to 1, and the probability of such a difference by chance,
    for tiers and for lengths of queries."""

    day: date
    prompt_version: str
    requests: int
    tiers_distance: float
    tiers_p_value: float
    lengths_distance: float
    lengths_p_value: float
    drifted: bool


class QualityDrop(BaseModel):
    """People rated the answers of this version lower than its predecessor's. `at` is null if an
    earlier release did not record it."""

    at: datetime | None
    prompt_version: str
    state: QualityState
    message: str


class Learning(BaseModel):
    """The learning budget of the month, when the next run starts, what it lacks, and time lines
    with the newest last. `left_out` says which examples the newest run did not use. `notes` say why
    something is not known."""

    object: Literal["learning"]
    month: str
    budget_usd: float
    spent_usd: float
    remaining_usd: float
    next_run_at: datetime | None
    rows: MissingRows
    drift: list[DriftCheckDay]
    quality_drop: list[QualityDrop]
    left_out: list[LeftOutExamples]
    notes: list[str]


LEARNING_ANSWERS: tuple[type[BaseModel], ...] = (
    Run,
    RunList,
    StartedLearningRun,
    RunDetails,
    Learning,
)
