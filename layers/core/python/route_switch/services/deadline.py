"""The time limit of a request, by a monotonic clock."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns seconds from a monotonic clock."""


class Deadline:
    """The time limit of a whole request."""

    def __init__(self, seconds: float, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self.started = clock()
        self._end = self.started + seconds

    @property
    def remaining_s(self) -> float:
        return max(self._end - self._clock(), 0.0)

    @property
    def elapsed_ms(self) -> float:
        return (self._clock() - self.started) * 1000
