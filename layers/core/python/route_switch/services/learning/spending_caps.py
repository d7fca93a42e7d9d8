"""What all runs of a month may spend together."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.domain.errors import BudgetReachedError
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.operations.costs import costs_of

LEAST_USD = 1.0
"""What a share never goes below: a prompt that saves nothing could otherwise never be replaced by
one that does, since the loop that would find it had no money."""


@dataclass(frozen=True, slots=True)
class MonthBefore:
    """`saved_usd` is what routing saved, net of the router's own cost, None where nobody can
    say of too many answers; `learning_usd` is what learning spent."""

    requests: int
    saved_usd: float | None
    learning_usd: float


def month_before(counters: Mapping[str, float], learning_usd: float) -> MonthBefore:
    """From the counters of the month's days."""
    costs = costs_of(counters)
    saved_usd = counters.get("saved_usd") if costs.saving_is_known else None
    return MonthBefore(costs.answered or 0, saved_usd, learning_usd)


def learning_cap(config: LearningConfig, before: MonthBefore) -> float:
    """The smaller of the configured sum and a share of the month before's net saving, but of that
    at least `LEAST_USD`. Without traffic then, or where its saving is unknown, there is nothing to
    take a share of: the sum."""
    if before.requests == 0 or before.saved_usd is None:
        return config.monthly_usd
    net_usd = max(before.saved_usd - before.learning_usd, 0.0)
    return min(config.monthly_usd, max(config.share_of_saving * net_usd, LEAST_USD))


class LocalCap:
    """A cap that one process keeps for itself. What was spent before is settled first."""

    def __init__(self, cap_usd: float) -> None:
        self._cap_usd = cap_usd
        self._taken_usd = 0.0
        self._lock = threading.Lock()

    def reserve(self, usd: float) -> None:
        with self._lock:
            if self._taken_usd + usd > self._cap_usd:
                raise BudgetReachedError(
                    f"The cap of {self._cap_usd:.4f} USD is reached: {self._taken_usd:.4f} are "
                    f"spent or set aside, and the next call may cost up to {usd:.4f}."
                )
            self._taken_usd += usd

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        with self._lock:
            self._taken_usd += spent_usd - reserved_usd
