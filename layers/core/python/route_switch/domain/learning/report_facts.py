"""What other parts read of a run's `report.json`. Fields that this release does not know are
ignored, and those that an earlier release did not write are None."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError


class ReportPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class IntervalFacts(ReportPart):
    """A mean over `n` rows with its interval."""

    mean: float
    low: float
    high: float
    n: int


class PolicyFacts(ReportPart):
    """`cost` is relative to sending every query to Tier 3, `quality` the share of answers that are
    as good as Tier 3's."""

    policy: str
    cost: IntervalFacts
    quality: IntervalFacts
    mix: Mapping[str, float] = Field(default_factory=dict)


class GateFacts(ReportPart):
    """The verdict over candidate − incumbent."""

    verdict: str
    gain: IntervalFacts
    smallest_visible: float | None = None
    needs_approval: str | None = None


class PromisedPolicyFacts(ReportPart):
    policy: str
    loss: float
    certified: bool = False
    at_most: float | None = None
    needed: int | None = None


class PromiseFacts(ReportPart):
    max_quality_loss: float
    n: int
    policies: tuple[PromisedPolicyFacts, ...] = ()
    candidate: str = ""
    candidate_holds: bool = False
    waits_for: int | None = None


class CurvePointFacts(ReportPart):
    lambda_: float = Field(alias="lambda")
    cost: IntervalFacts
    quality: IntervalFacts


class CurveFacts(ReportPart):
    points: tuple[CurvePointFacts, ...] = ()


class AgreementFacts(ReportPart):
    share: float | None = None
    kappa: float | None = None
    n: int = 0


class StrategyFacts(ReportPart):
    chosen: str | None = None


class SpendFacts(ReportPart):
    usd: Mapping[str, float] = Field(default_factory=dict)
    cap_usd: float | None = None


class RowFacts(ReportPart):
    train: int = 0
    validation: int = 0
    heldout: int = 0


class CountedRows(RowFacts):
    """`left_out` counts rows that were not used, by reason; merged ones are used with others."""

    left_out: Mapping[str, int] = Field(default_factory=dict)
    duplicates_merged: int = 0

    @property
    def used(self) -> int:
        return self.train + self.validation + self.heldout


class ReportFacts(ReportPart):
    """`tier_3_usd` is the mean cost of a query on Tier 3. A run that stopped early has no
    `gate`."""

    created: str | None = None
    lambda_: float | None = Field(default=None, alias="lambda")
    judge_model: str | None = None
    simulated: tuple[str, ...] = ()
    stopped_by: str | None = None
    rows: CountedRows = CountedRows()
    gate: GateFacts | None = None
    promise: PromiseFacts | None = None
    steering: Mapping[str, JsonValue] | None = None
    strategies: StrategyFacts | None = None
    policies: tuple[PolicyFacts, ...] = ()
    curve: CurveFacts | None = None
    agreement: AgreementFacts | None = None
    spend: SpendFacts = SpendFacts()
    tier_3_usd: float | None = None
    incumbent_prompt: str = ""
    candidate_prompt: str = ""


def report_facts(content: bytes) -> ReportFacts | None:
    """Return None if it is not the report of a run, or if a deletion left too little of it."""
    try:
        return ReportFacts.model_validate_json(content)
    except ValidationError:
        return None
