"""Settle what killed functions left reserved in the budgets of keys.

First the log of these hours is replayed, so that each request is recorded: with its cost if its
answer was complete, otherwise with the most that it may have cost. Then the reservation is replaced
by what the records say.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from route_switch.domain.errors import StoreError
from route_switch.domain.operations.budgets import HOUR, KeyBudget, LogPosition
from route_switch.services.operations.replay_records import UNDER_WAY
from route_switch.services.operations.watch_keys import KeyMonths

logger = logging.getLogger(__name__)

COUNTERS = ("cost_usd", "unknown_at_most_usd")
"""Counters of a key's month whose sum the key is charged."""


class Budgets(Protocol):
    """Every method may raise `StoreError`."""

    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> list[KeyBudget]: ...

    def settle(self, budget: KeyBudget, left: Mapping[int, float], charged_usd: float) -> bool:
        """Replace these reservations by one charge. Return False if another process was faster."""
        ...

    def tidy(self, budget: KeyBudget, hours: Sequence[int]) -> None:
        """Forget these hours of the day, in which everything is settled."""
        ...

    def note_replayed(self, budget: KeyBudget, began_at: datetime, position: LogPosition) -> None:
        """Remember how far the log of the hour that began then was replayed."""
        ...


class LogReplay(Protocol):
    def __call__(
        self, key_id: str, start: LogPosition, end: datetime, has_time: Callable[[], bool]
    ) -> LogPosition:
        """Record the requests that only the log knows. Return how far this is done, which is before
        `end` if `has_time` said no or the log could not be read."""
        ...


@dataclass(frozen=True, slots=True)
class Settlement:
    key_id: str
    reserved_usd: float
    charged_usd: float


@dataclass(frozen=True, slots=True)
class SettleBudgets:
    budgets: Budgets
    months: KeyMonths
    replay: LogReplay

    def __call__(
        self, key_ids: Sequence[str], now: datetime, has_time: Callable[[], bool] = lambda: True
    ) -> list[Settlement]:
        """`key_ids` are those of keys with a budget. What cannot be settled now, or not before
        `has_time` says no, stays reserved for another hour."""
        if not key_ids:
            return []
        before = now.replace(day=1) - timedelta(days=1)
        found = self.budgets.of_keys(key_ids, [f"{month:%Y-%m}" for month in (before, now)])
        settled = []
        # Busy keys, whose log takes several runs, must not keep the others waiting.
        for budget in sorted(found, key=lambda each: bool(each.replayed)):
            if not has_time():
                break
            try:
                settled += self._settle(budget, now, has_time)
            except StoreError as error:
                logger.warning("A budget of %s is not settled yet: %s", budget.key_id, error)
        return settled

    def _settle(
        self, budget: KeyBudget, now: datetime, has_time: Callable[[], bool]
    ) -> list[Settlement]:
        used_up, left = budget.used_up(now), budget.left_behind(now)
        if used_up:
            self.budgets.tidy(budget, used_up)
        if not left:
            return []
        hours = [began_at for hour in left for began_at in budget.began_at(hour, now)]
        if not all(self._is_replayed(budget, began_at, has_time) for began_at in hours):
            return []
        counters = self.months.of_keys([budget.key_id], [budget.month])[budget.key_id]
        counted_usd = sum(counters.get(name, 0.0) for name in COUNTERS)
        reserved_usd = sum(left.values())
        charged_usd = budget.charge_for(reserved_usd, counted_usd)
        if not self.budgets.settle(budget, left, charged_usd):
            return []
        return [Settlement(budget.key_id, reserved_usd, charged_usd)]

    def _is_replayed(
        self, budget: KeyBudget, began_at: datetime, has_time: Callable[[], bool]
    ) -> bool:
        """Replay the log of this hour, from where an earlier run stopped."""
        start = budget.replayed.get(began_at, LogPosition(began_at))
        end = began_at + HOUR + UNDER_WAY
        if start.until >= end:
            return True
        position = self.replay(budget.key_id, start, end, has_time)
        if position.until < end or budget.replayed:
            self.budgets.note_replayed(budget, began_at, position)
        if position.until < end:
            logger.warning(
                "A budget of %s is not settled yet: its log from %s on is read until %s.",
                budget.key_id,
                began_at.isoformat(),
                position.until.isoformat(),
            )
        return position.until >= end
