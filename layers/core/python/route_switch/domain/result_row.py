"""A request as the list of results shows it: figures and names, never a text."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.profiles import Profile
from route_switch.domain.request_record import RequestRecord, RequestStatus
from route_switch.domain.shadow import ANSWERED_FIRST
from route_switch.domain.tiers import Tier

MAX_ERROR_LENGTH = 120


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The fields are those of the record (`RequestRecord`). `first_token_ms` is the answering
    call's, None if the answer was not streamed. `error` is that of the last failed call."""

    request_id: str
    created_at: datetime
    status: RequestStatus
    tier: Tier
    decided_tier: Tier
    reason: Reason
    model: str | None
    key_id: str
    prompt_version: str
    profile: Profile
    cost_usd: float | None
    saved_usd: float | None
    saving_basis: SavingBasis
    latency_ms: float
    first_token_ms: float | None = None
    error: str | None = None

    @classmethod
    def of(cls, record: RequestRecord) -> Self:
        return cls(
            record.request_id,
            record.created_at,
            record.status,
            record.tier,
            record.decided_tier,
            record.reason,
            record.model,
            record.key_id,
            record.prompt_version,
            record.profile,
            record.cost_usd,
            record.saved_usd,
            record.saving_basis,
            round(record.latency_ms, 1),
            first_token_ms(record),
            _last_error(record),
        )

    @property
    def position(self) -> str:
        return position_in_time(self.created_at, self.request_id)


def position_in_time(created_at: datetime, request_id: str) -> str:
    """Return a text that sorts requests by time. It starts with the day (UTC, `YYYY-MM-DD`)."""
    return f"{created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z#{request_id}"


def first_token_ms(record: RequestRecord) -> float | None:
    """Return the time to the first token of the answering call; None if it was not streamed."""
    if record.status not in ("answered", "partial"):
        return None
    times = [a.first_token_ms for a in record.attempts if a.tier is not None]
    last = times[-1] if times else None
    return None if last is None else round(last, 1)


def _last_error(record: RequestRecord) -> str | None:
    """A router call that the answer did not wait for has not failed."""
    errors = [a.error for a in record.attempts if a.error not in (None, ANSWERED_FIRST)]
    last = errors[-1] if errors else None
    return None if last is None else last[:MAX_ERROR_LENGTH]
