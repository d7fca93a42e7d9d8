"""Keys with what each spent and reserved in the current month."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from route_switch.domain.operations.budgets import KeyBudget
from route_switch.domain.operations.costs import costs_of
from route_switch.domain.operations.stored_keys import StoredKey
from route_switch.services.operations.watch_keys import KeyMonths


class OpenBudgets(Protocol):
    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> list[KeyBudget]: ...


@dataclass(frozen=True, slots=True)
class KeyOfMonth:
    """`spent_usd` excludes the `unknown` requests, whose price or token count is unknown.
    `reserved_usd` is held for requests under way; 0 for a key without a budget."""

    stored: StoredKey
    spent_usd: float = 0.0
    unknown: int = 0
    reserved_usd: float = 0.0
    requests: int = 0


@dataclass(frozen=True, slots=True)
class ListKeys:
    months: KeyMonths
    budgets: OpenBudgets

    def __call__(self, keys: Sequence[StoredKey], now: datetime) -> list[KeyOfMonth]:
        """Raise `StoreError` if the counters cannot be read."""
        ids, month = [each.key.key_id for each in keys], f"{now:%Y-%m}"
        counters = self.months.of_keys(ids, [month])
        limited = [each.key.key_id for each in keys if each.key.monthly_budget_usd is not None]
        reserved = {
            budget.key_id: sum(budget.open_usd.values())
            for budget in self.budgets.of_keys(limited, [month])
        }
        return [
            _of_month(each, counters[each.key.key_id], reserved.get(each.key.key_id, 0.0))
            for each in keys
        ]


def _of_month(stored: StoredKey, counters: Mapping[str, float], reserved_usd: float) -> KeyOfMonth:
    return KeyOfMonth(
        stored,
        counters.get("cost_usd", 0.0),
        int(counters.get("cost_usd:unknown", 0)),
        max(reserved_usd, 0.0),
        costs_of(counters).requests or 0,
    )
