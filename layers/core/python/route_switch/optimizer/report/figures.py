"""The results of a run as data: `report.json`, and the source of the other reports."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from route_switch.domain.learning.calibration import Agreement as Agreement
from route_switch.domain.learning.understanding import MAX_NOT_UNDERSTOOD, Understanding
from route_switch.domain.output_ratio import MeasuredRatio
from route_switch.domain.prompts.steering_figures import SteeringFigures
from route_switch.domain.tiers import Tier
from route_switch.optimizer.report.strategy_figures import Strategies


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Frozen):
    """A mean over `n` rows with its 95% interval, unless documented otherwise."""

    mean: float
    low: float
    high: float
    n: int


class PolicyFigures(Frozen):
    """One policy on a set of rows.

    `cost` is (answers + router) over all-Tier-3, `quality` the share of equivalent answers,
    `retention` the mean score over Tier 3's, `objective` quality − λ · cost. `mix` is the share of
    queries per tier. `latency_ms` (answer and router) is None if it was not measured.
    """

    policy: str
    cost: Interval
    quality: Interval
    retention: Interval
    objective: Interval
    mix: dict[Tier, float]
    latency_ms: Interval | None = None


class CurvePoint(Frozen):
    """The learned policy at another λ, on the held-out rows."""

    lambda_: float = Field(alias="lambda")
    cost: Interval
    quality: Interval

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CurveFigures(Frozen):
    """The learned policy at every λ. `points` are in ascending order of λ; `profiles` are the
    figures of `profile-quality`, `profile-balanced` and `profile-cost` at the run's λ."""

    points: tuple[CurvePoint, ...]
    profiles: tuple[PolicyFigures, ...]
    profile_lambdas: tuple[float, ...]


class WorkloadFigures(Frozen):
    """Policies on the held-out rows of one workload.

    `note` names the data if the rows are a proxy for the workload: "MMLU-Pro questions". `change`
    is candidate − incumbent, paired, objective; reports of earlier versions lack it.
    """

    workload: str
    policies: tuple[PolicyFigures, ...]
    change: Interval | None = None
    note: str | None = None


class CandidateFigures(Frozen):
    """A prompt that was tried. `rejected` is the reason if it was not evaluated, else None."""

    number: int
    instruction: str
    demos: int
    bytes: int
    objective: float | None
    quality: float | None
    cost: float | None
    rejected: str | None = None
    selected: bool = False


class Gate(Frozen):
    """The verdict over candidate − incumbent on held-out rows that no earlier gate has seen.

    `gain` has the interval at level 1 − `alpha`; `alpha` is this look's share of the 5%.
    `smallest_visible` is the gain that this look detects with 80% probability.
    """

    verdict: Literal["better", "not better", "not enough evidence"]
    gain: Interval
    alpha: float
    look: int
    delta: float
    smallest_visible: float
    moved: float = Field(description="Share of queries whose tier changes.")
    needs_approval: str | None = None
    """Why a person has to approve a promotion, or None."""
    rests_on: str | None = None
    """The client without which the candidate is not better, or None if there is none."""


class PromisedPolicy(Frozen):
    """A policy on the rows that certify: `loss` is the share of answers worse than Tier 3's.

    `at_most` is its upper bound at the look's level; None if the policy was not tested. `needed` is
    about how many new rows a look needs if the loss stays; None if it is promised or out of reach.
    `rests_on` is a client without which the policy fails, although it would pass with it.
    """

    policy: str
    cost: float
    loss: float
    certified: bool
    at_most: float | None
    needed: int | None
    rests_on: str | None = None


class Promise(Frozen):
    """What can be promised: at most `max_quality_loss` of answers worse than Tier 3's, with 95%
    confidence over all looks; `alpha` is this look's share of the 5%.

    `policies` are in the order of the test, over `n` rows. `cheapest` is the cheapest that is
    promised. `candidate` says in words what holds for the candidate. If there were too few rows for
    a look, `waits_for` is the number that is missing, and `policies` is empty.
    """

    max_quality_loss: float
    alpha: float
    n: int
    policies: tuple[PromisedPolicy, ...]
    cheapest: str | None
    candidate: str
    candidate_holds: bool
    waits_for: int | None


class Steering(Frozen):
    """How far texts around a query move its tier, with what the run proposes and with the current
    prompt.

    `refused` says why `proposed` stays out: in which way it is easier to steer. `strategies` says
    so for each strategy that was not proposed for this reason, and `prompts` is the number of
    prompts that the search rejected for it.
    """

    proposed: SteeringFigures
    incumbent: SteeringFigures
    refused: str | None = None
    strategies: dict[str, str] = Field(default_factory=dict)
    prompts: int = 0


class Moved(Frozen):
    """A query whose tier the candidate changes. `query` is an excerpt, or None by policy."""

    example: str
    query: str | None
    before: Tier
    after: Tier
    best: Tier
    gain: float


class LearningSpend(Frozen):
    """Calls and USD of the run so far, by purpose (`answer`, `judge`, `proposer`, `router`)."""

    calls: dict[str, int]
    usd: dict[str, float]
    cap_usd: float | None

    @property
    def total_usd(self) -> float:
        return sum(self.usd.values())


class Rows(Frozen):
    """The number of examples, by use.

    If the run stopped before all outcomes were known, `without_outcome` is None, and examples
    without outcome still count on their sides. `left_out` has all rows that were not used, by
    reason; merged ones count with the row that they were merged into. `templates` and
    `heldout_templates` count queries that differ only in numbers, ids and addresses as one, and
    those of one session. `conversations` are the rows that have turns beside the query.
    """

    train: int
    validation: int
    heldout: int
    near_duplicates_removed: int
    duplicates_merged: int = 0
    without_outcome: int | None
    left_out: dict[str, int] = Field(default_factory=dict)
    templates: int | None = None
    heldout_templates: int | None = None
    conversations: int = 0

    @property
    def used(self) -> int:
        return self.train + self.validation + self.heldout


class Report(Frozen):
    """Everything about one run. Policies are measured on the held-out rows, candidates on the
    validation rows. `simulated` names each simulated part.

    `tier_3_usd` is the mean cost of a query on Tier 3: at λ, one point of quality (0.01) is worth
    0.01 · tier_3_usd / λ USD per query. `saving_usd_a_month` is relative to all-Tier-3 at
    `monthly_queries`. A run that stopped before the held-out rows has no `gate` and no saving; one
    that stopped before all outcomes were known has no `tier_3_usd` either.
    """

    created: str
    command: str
    versions: dict[str, str]
    lambda_: float = Field(alias="lambda")
    tiers: dict[Tier, str]
    router_model: str
    proposer_model: str
    judge_model: str | None
    optimizer: str = "mipro"
    """Reports of earlier versions do not name it."""
    seed: int
    simulated: tuple[str, ...]
    complete: bool
    stopped_by: str | None
    rows: Rows
    gate: Gate | None
    promise: Promise | None = None
    steering: Steering | None = None
    strategies: Strategies | None = None
    no_worse_margin: float = 0.0
    """By how much a tested score may be below Tier 3's and still count as no worse."""
    policies: tuple[PolicyFigures, ...]
    against: dict[str, Interval] = Field(
        description="candidate − each other policy, paired, objective"
    )
    incumbent_against: dict[str, Interval] = Field(
        default_factory=dict, description="incumbent − each constant policy, paired, objective"
    )
    over_hand_written: dict[str, Interval] = Field(
        default_factory=dict, description="each policy − the hand-written prompt, paired, objective"
    )
    shuffled_controls: dict[str, Interval] = Field(default_factory=dict)
    """Objective of each learner on shuffled labels minus random at its mix. None may be above 0."""
    curve: CurveFigures | None = None
    workloads: tuple[WorkloadFigures, ...]
    candidates: tuple[CandidateFigures, ...]
    rejected: dict[str, int] = Field(description="rejected proposals and demos by reason")
    incumbent_prompt: str
    candidate_prompt: str
    moved: tuple[Moved, ...]
    confusion: dict[Tier, dict[Tier, int]] = Field(description="best tier → chosen tier → rows")
    agreement: Agreement | None
    graded_by: dict[str, int]
    understanding: Understanding = Understanding()
    max_not_understood: float = MAX_NOT_UNDERSTOOD
    spend: LearningSpend
    tier_3_usd: float | None
    tier_3_output_ratio: dict[Tier, float] = Field(default_factory=dict)
    """Tokens that Tier 3 writes for each token of a tier, as in the catalog field of that name."""
    output_ratios: tuple[MeasuredRatio, ...] = ()
    """The same with intervals, for the router to estimate savings with."""
    monthly_queries: int
    saving_usd_a_month: Interval | None

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def noun(self) -> str:
        """What the run proposes, and what it would replace, in a word."""
        chosen = "prompt" if self.strategies is None else self.strategies.chosen
        return "prompt" if chosen == "prompt" else "policy"

    @property
    def learned(self) -> str:
        return f"the learned {self.noun}"

    @property
    def current(self) -> str:
        return f"the current {self.noun}"

    @property
    def why_steered(self) -> str | None:
        """Why what was learned is not proposed: in which way it is easier to steer."""
        return None if self.steering is None else self.steering.refused

    @property
    def lacks_promise(self) -> bool:
        """Whether the candidate is better, but stays out because its quality cannot be promised."""
        better = self.gate is not None and self.gate.verdict == "better"
        return better and self.promise is not None and not self.promise.candidate_holds
