"""A cap on spending within one process."""

import threading

from route_switch.domain.errors import BudgetReachedError


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
