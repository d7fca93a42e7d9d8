"""Charge a key for calls that belong to none of its requests, such as those of a preview."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.domain.ports import KeyLimits
from route_switch.domain.pricing import in_usd

logger = logging.getLogger(__name__)


class Spending(Protocol):
    def add(self, key_id: str, at: datetime, model: str, usd: float) -> None:
        """Add to what calls of the router model cost, in the sums of the day and of the key's
        month. `usd` is negative to correct what was added before. Raise `StoreError`."""
        ...


@dataclass(frozen=True, slots=True)
class ChargeKey:
    limits: KeyLimits
    spending: Spending

    @contextmanager
    def reserved(
        self, key: ApiKey, usd: float, model: str, at: datetime, spent: Callable[[], float]
    ) -> Iterator[None]:
        """Reserve `usd` of the key's budget, if it has one, and count it in the sums. At the end of
        the block, replace it by what was `spent`. So a function that is killed in between leaves
        the most that its calls may have cost in the sums, never less. Raise `RequestRefusedError`
        (429) if the budget does not cover it."""
        budget = key.monthly_budget_usd
        if budget is not None and not self.limits.reserve(key.key_id, at, usd, budget):
            raise _not_covered(budget, usd)
        try:
            self._count(key, at, model, usd)
        except StoreError:
            self._settle_budget(key, usd, at, 0.0)
            raise
        try:
            yield
        finally:
            self._settle(key, usd, model, at, spent())

    def _count(self, key: ApiKey, at: datetime, model: str, usd: float) -> None:
        if usd != 0:
            self.spending.add(key.key_id, at, model, usd)

    def _settle(self, key: ApiKey, usd: float, model: str, at: datetime, spent_usd: float) -> None:
        """Never fail: the money is spent, and the sums have at least as much."""
        try:
            self._count(key, at, model, spent_usd - usd)
        except StoreError as error:
            logger.error("%.6f USD of %s are counted in excess: %s", usd, key.key_id, error)
        self._settle_budget(key, usd, at, spent_usd)

    def _settle_budget(self, key: ApiKey, usd: float, at: datetime, spent_usd: float) -> None:
        """Never fail: the hourly monitor settles what stays reserved, by the sums."""
        try:
            if key.monthly_budget_usd is not None:
                self.limits.settle(key.key_id, at, usd, spent_usd, 0.0)
        except StoreError as error:
            logger.error("%.6f USD of %s are not settled: %s", spent_usd, key.key_id, error)


def _not_covered(budget_usd: float, usd: float) -> RequestRefusedError:
    return RequestRefusedError(
        f"The monthly budget of this key, {in_usd(budget_usd)}, does not cover 'budget_usd', "
        f"{in_usd(usd)}. Lower it, or raise the key's budget.",
        status=429,
        kind="insufficient_quota",
        code="insufficient_quota",
    )
