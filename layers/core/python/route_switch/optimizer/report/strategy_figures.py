"""The strategies in the report, as data."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from route_switch.domain.local_model import StrongFeature
from route_switch.domain.routing_prompt import StrategyName
from route_switch.domain.tiers import Tier


class Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StrategyFigures(Figures):
    """A strategy on validation rows, estimated on rows that its own choices did not see. `error` is
    the objective's standard error. `asked` is the share of queries for which the router LLM is
    asked; `asked_heldout` is that of held-out rows, None if they were not measured."""

    strategy: StrategyName
    objective: float
    error: float
    asked: float
    asked_heldout: float | None
    chosen: bool
    never_asks: bool = False
    """Whether a hybrid asks the router LLM about no query: no threshold paid."""


class LocalFigures(Figures):
    """The local model. It was trained on `rows`; the text of `withheld` rows may not be learned
    from. `constant` is the tier that it sends every query to, if no feature predicts anything.

    Brier score and expected calibration error are of `n` predictions for validation rows, by models
    that did not see them; `constant_brier` is that of one probability for each tier.
    """

    rows: int
    withheld: int
    constant: Tier | None
    n: int
    brier: float
    constant_brier: float
    calibration_error: float
    strongest: tuple[StrongFeature, ...]


class BypassFigures(Figures):
    """A threshold of the bypass on validation rows: the share of queries below it, the objective,
    and what that loses compared with the best threshold."""

    tokens: int
    share: float
    objective: float
    regret: float


class BypassTuningFigures(Figures):
    """`proposed` is None if the `current` threshold stays. `gain`, with its standard error, is the
    best threshold's over the current one's, on `n` rows; it changes `changed` templates."""

    current: int
    proposed: int | None
    gain: float
    error: float
    changed: int
    n: int
    thresholds: tuple[BypassFigures, ...]


class Strategies(Figures):
    """Which strategy was asked for and which was chosen, by figures on `n` validation rows.
    Objectives that differ by less than `tie` are a tie."""

    asked_for: Literal["prompt", "local", "hybrid", "auto"]
    chosen: StrategyName
    tie: float
    n: int
    estimates: tuple[StrategyFigures, ...]
    local: LocalFigures | None
    why_no_local: str | None
    bypass: BypassTuningFigures

    @property
    def never_asks(self) -> bool:
        """Whether a hybrid was chosen that asks the router LLM about no query."""
        return any(each.chosen and each.never_asks for each in self.estimates)
