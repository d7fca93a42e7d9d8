"""Check a key's limits before a request costs anything."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.domain.ports import KeyLimits
from route_switch.domain.pricing import in_usd
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.tiers import Tier
from route_switch.services.eligible_models import Eligible

logger = logging.getLogger(__name__)

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Admission:
    """`reserved_usd` is held from the key's budget until the request's actual cost is known; None
    when the key has no budget. With `budget_spent`, the budget is used up and Tier 1 answers. `at`
    is the time of the reservation."""

    at: datetime
    reserved_usd: float | None = None
    budget_spent: bool = False


class AdmitRequest:
    """Fail closed: when the limits cannot be read, reject requests of keys that have limits."""

    def __init__(self, limits: KeyLimits, now: Callable[[], datetime]) -> None:
        self._limits = limits
        self._now = now

    def __call__(self, key: ApiKey, eligible: Eligible, worst_usd: float) -> Admission:
        """Count the request and reserve `worst_usd`, the most that it is likely to cost.

        Raise `RequestRefusedError` (429), or `StoreError`.
        """
        now = self._now()
        self._count(key, now)
        budget = key.monthly_budget_usd
        if budget is None:
            return Admission(now)
        if self._limits.reserve(key.key_id, now, worst_usd, budget):
            return Admission(now, worst_usd)
        if key.when_spent == "downgrade" and Tier.SMALL in eligible.tiers:
            return Admission(now, 0.0, budget_spent=True)
        raise RequestRefusedError(
            f"The monthly budget of this key, {in_usd(budget)}, is used up, or the remainder does "
            "not cover this request. Ask the owner for more, lower max_tokens, or wait until "
            "next month.",
            status=429,
            kind="insufficient_quota",
            code="insufficient_quota",
        )

    def count(self, key: ApiKey) -> None:
        """Count a request that costs no money. Raise `RequestRefusedError` (429), or
        `StoreError`."""
        self._count(key, self._now())

    def settle(self, key: ApiKey, admission: Admission, record: RequestRecord) -> None:
        """Replace the reservation with the amount spent. If that amount is unknown, charge the
        reservation. Never fail: the request has been answered, and the hourly monitor settles what
        is left."""
        reserved, spent = admission.reserved_usd, record.known_cost_usd
        if reserved is None:
            return
        charged = reserved if spent is None else spent
        kept = 0.0 if spent is not None else reserved - (record.cost_usd or 0.0)
        try:
            self._limits.settle(key.key_id, admission.at, reserved, charged, kept)
        except StoreError as error:
            logger.error("%.6f USD stay reserved for now: %s", reserved, error)

    def _count(self, key: ApiKey, now: datetime) -> None:
        limit = key.requests_per_minute
        if limit is None or self._limits.count(key.key_id, now, limit):
            return
        raise RequestRefusedError(
            f"This key has reached its limit of {limit} requests per minute. Wait until the next "
            "minute starts.",
            status=429,
            kind="rate_limit_error",
            code="rate_limit_exceeded",
            retry_after_s=SECONDS_PER_MINUTE - now.second,
        )
