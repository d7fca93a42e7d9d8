"""Which requests a list of results shows."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, Self

from route_switch.domain.decision import Reason
from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.domain.request_record import RequestStatus
from route_switch.domain.result_row import ResultRow
from route_switch.domain.tiers import Tier

Thumb = Literal["up", "down"]
Failed = Literal["any", "none"]


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Days are UTC and inclusive. `before` is a position (`domain.result_row`) or a day
    (`YYYY-MM-DD`): only older requests are listed. A filter that is None lets every request
    through; `min_cost_usd` leaves out requests of unknown cost. `error` is about failed calls, so
    an answer after one has `any`."""

    first: date
    last: date
    limit: int = 50
    before: str | None = None
    tier: Tier | None = None
    reason: Reason | None = None
    model: str | None = None
    key_id: str | None = None
    status: RequestStatus | None = None
    thumb: Thumb | Literal["none"] | None = None
    min_cost_usd: float | None = None
    error: Failed | None = None

    @property
    def start(self) -> str:
        """The position to start from."""
        end = (self.last + timedelta(1)).isoformat()
        return end if self.before is None else min(self.before, end)

    @property
    def is_filtered(self) -> bool:
        wanted = (self.tier, self.reason, self.model, self.key_id, self.status, self.thumb)
        return any(each is not None for each in (*wanted, self.min_cost_usd, self.error))

    def fits(self, row: ResultRow) -> bool:
        """Whether the row passes all filters but the one by thumb."""
        pairs = (
            (self.tier, row.tier),
            (self.reason, row.reason),
            (self.model, row.model),
            (self.key_id, row.key_id),
            (self.status, row.status),
            (self.error, "none" if row.error is None else "any"),
        )
        if any(wanted is not None and wanted != value for wanted, value in pairs):
            return False
        if self.min_cost_usd is None:
            return True
        return row.cost_usd is not None and row.cost_usd >= self.min_cost_usd

    def continued(self, before: str, limit: int) -> Self:
        return replace(self, before=before, limit=limit)


@dataclass(frozen=True, slots=True)
class RatedRow:
    """A row with the feedback on its answer."""

    row: ResultRow
    feedback: GivenFeedback | None

    def has_thumb(self, wanted: Thumb | Literal["none"] | None) -> bool:
        return wanted is None or wanted == (thumb_of(self.feedback) or "none")


def thumb_of(feedback: GivenFeedback | None) -> Thumb | None:
    if feedback is None or feedback.adequate is None:
        return None
    return "up" if feedback.adequate else "down"
