"""A cap that waits for money that other calls of this process have reserved."""

import threading

from route_switch.domain.errors import BudgetReachedError
from route_switch.domain.learning.learning_ports import SpendingCap


class PatientCap:
    """A call reserves the most that it may cost, which is often a hundred times its actual cost. So
    a reservation that fails is tried again whenever another call has settled, and the cap is
    reached only if nothing else is reserved."""

    def __init__(self, cap: SpendingCap) -> None:
        self._cap = cap
        self._changed = threading.Condition()
        self._reserved = 0
        self._settled = 0

    def reserve(self, usd: float) -> None:
        while True:
            with self._changed:
                seen = self._settled
                self._reserved += 1  # before it is true, so that no thread gives up in between
            try:
                self._cap.reserve(usd)
                return
            except BaseException as error:
                with self._changed:
                    self._reserved -= 1
                    self._changed.notify_all()
                if not isinstance(error, BudgetReachedError) or not self._has_waited(seen):
                    raise

    def _has_waited(self, seen: int) -> bool:
        """Return whether another call has settled since; False if there is none to wait for."""
        with self._changed:
            if self._reserved == 0:
                return self._settled != seen
            self._changed.wait_for(lambda: self._settled != seen or self._reserved == 0)
            return self._settled != seen

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        self._cap.settle(reserved_usd, spent_usd)
        with self._changed:
            self._reserved -= 1
            self._settled += 1
            self._changed.notify_all()
