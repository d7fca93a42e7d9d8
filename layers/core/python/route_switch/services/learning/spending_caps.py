"""Spending caps: for all learning runs of a month, and within one process."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.domain.errors import BudgetReachedError
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.operations.costs import costs_of
from route_switch.domain.operations.savings import unrealized_saving_usd

MIN_SHARE_USD = 1.0
"""Lower bound of the share. Otherwise a prompt that saves nothing could never be replaced, because
the run that would find a better one had no money."""

MAX_ANSWER_SHARE = 0.2
"""The most that a single answer may cost, as a share of the cap. A request that may cost more is
left out of learning."""


@dataclass(frozen=True, slots=True)
class PreviousMonth:
    """`saved_usd` is what routing saved, or would have saved in shadow, net of the router's own
    cost: otherwise a stage in shadow could not pay for the evidence that it waits for. It is None
    when the saving of too many answers is unknown or rests on an assumption: a cap derived from
    that could keep the run that would measure it from being paid. `learning_usd` is what learning
    spent."""

    requests: int
    saved_usd: float | None
    learning_usd: float


def previous_month(counters: Mapping[str, float], learning_usd: float) -> PreviousMonth:
    """Sum up the previous month from the counters of its days."""
    costs = costs_of(counters)
    saved_usd = counters.get("saved_usd") if costs.saving_is_measured else None
    if saved_usd is not None:
        saved_usd += unrealized_saving_usd(counters)
    return PreviousMonth(costs.answered or 0, saved_usd, learning_usd)


def learning_cap(config: LearningConfig, previous: PreviousMonth) -> float:
    """Return the smaller of the configured sum and a share of the previous month's net saving, but
    no less than `MIN_SHARE_USD` for the latter. Without traffic in that month, or when its saving
    is unknown, return the configured sum."""
    if previous.requests == 0 or previous.saved_usd is None:
        return config.monthly_usd
    net_usd = max(previous.saved_usd - previous.learning_usd, 0.0)
    return min(config.monthly_usd, max(config.share_of_saving * net_usd, MIN_SHARE_USD))


class LocalCap:
    """A cap within one process. Settle what was spent earlier first."""

    def __init__(self, cap_usd: float) -> None:
        self._cap_usd = cap_usd
        self._taken_usd = 0.0
        self._lock = threading.Lock()

    def reserve(self, usd: float) -> None:
        with self._lock:
            if self._taken_usd + usd > self._cap_usd:
                raise BudgetReachedError(
                    f"The cap of {self._cap_usd:.4f} USD is reached: {self._taken_usd:.4f} USD are "
                    f"spent or reserved, and the next call may cost up to {usd:.4f} USD."
                )
            self._taken_usd += usd

    @property
    def taken_usd(self) -> float:
        """What is spent or reserved."""
        return self._taken_usd

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        with self._lock:
            self._taken_usd += spent_usd - reserved_usd
