"""Whether a key's limits let a request in, before anything is paid."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.domain.ports import KeyLimits
from route_switch.domain.tiers import Tier
from route_switch.services.eligible_models import Eligible

logger = logging.getLogger(__name__)

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Admission:
    """`set_aside_usd` of the key's budget wait for what the request will really have cost, None
    where the key has no budget. `spent`: the budget is used up, and Tier 1 answers."""

    month: str
    set_aside_usd: float | None = None
    spent: bool = False


class AdmitRequest:
    """Fails closed: where the limits cannot be read, nobody is let in who has some."""

    def __init__(self, limits: KeyLimits, now: Callable[[], datetime]) -> None:
        self._limits = limits
        self._now = now

    def __call__(self, key: ApiKey, eligible: Eligible, worst_usd: float) -> Admission:
        """Counts the request, and sets `worst_usd` aside: the most that it is likely to cost.

        Raises `RequestRefusedError` (429), or `StoreError`.
        """
        now = self._now()
        self._check_rate(key, now)
        month = f"{now:%Y-%m}"
        budget = key.monthly_budget_usd
        if budget is None:
            return Admission(month)
        if self._limits.set_aside(key.key_id, month, worst_usd, budget):
            return Admission(month, worst_usd)
        if key.when_spent == "downgrade" and Tier.SMALL in eligible.tiers:
            return Admission(month, 0.0, spent=True)
        raise RequestRefusedError(
            f"The budget of this key, {budget:g} USD a month, is used up, or what is left of it "
            "does not cover this request. Ask the owner, set a lower max_tokens, or wait for "
            "next month.",
            status=429,
            kind="insufficient_quota",
            code="insufficient_quota",
        )

    def settle(self, key: ApiKey, admission: Admission, spent_usd: float | None) -> None:
        """Turns what was set aside into what was spent; where that is unknown it stays as it is.
        Never fails: the request has been answered."""
        set_aside = admission.set_aside_usd
        if set_aside is None or spent_usd is None or spent_usd == set_aside:
            return
        try:
            self._limits.settle(key.key_id, admission.month, spent_usd - set_aside)
        except StoreError as error:
            logger.error("%.6f USD stay set aside: %s", set_aside - spent_usd, error)

    def _check_rate(self, key: ApiKey, now: datetime) -> None:
        limit = key.requests_per_minute
        if limit is None or self._limits.count(key.key_id, now, limit):
            return
        raise RequestRefusedError(
            f"This key may send {limit} requests a minute, and has sent them. Wait until the next "
            "minute begins.",
            status=429,
            kind="rate_limit_error",
            code="rate_limit_exceeded",
            retry_after_s=SECONDS_PER_MINUTE - now.second,
        )
