"""When the next call may start."""

import threading
import time
from collections.abc import Callable

from route_switch.domain.errors import DeadlineReachedError

PATIENCE_S = 600.0


class TimeBudget:
    """A number of seconds that starts to run when it is first asked for, which is when new work
    starts. Replaying known answers uses none of them, so each restart gets further."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._began: float | None = None

    def remaining_s(self) -> float:
        now = self._clock()
        if self._began is None:
            self._began = now
        return self._seconds - (now - self._began)


class Pace:
    """Spreads calls over time, and pauses all threads while a provider is overloaded.

    `calls_per_minute` None sets no limit. `remaining_s` returns the time that the run has left.
    `patience_s` is how long the run waits for a failing provider before it stops, to be resumed
    later; `first_answer_s` is how long it waits for a model that has not been reached yet, by
    default as long.
    """

    def __init__(
        self,
        calls_per_minute: float | None = None,
        remaining_s: Callable[[], float] = lambda: float("inf"),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience_s: float = PATIENCE_S,
        first_answer_s: float | None = None,
    ) -> None:
        self._interval_s = 60.0 / calls_per_minute if calls_per_minute else 0.0
        self.remaining_s = remaining_s
        self.clock = clock
        self.patience_s = patience_s
        self.first_answer_s = patience_s if first_answer_s is None else first_answer_s
        self._sleep = sleep
        self._next = self._held_until = float("-inf")
        self._lock = threading.Lock()

    def wait_for_turn(self) -> None:
        self._pause(self._take_turn())
        while self.clock() < self._held_until:  # a pause was ordered meanwhile
            self._pause(self._take_turn())

    def hold_back(self, seconds: float) -> None:
        """Start no call in any thread for this long."""
        with self._lock:
            self._held_until = max(self._held_until, self.clock() + seconds)
            self._next = max(self._next, self._held_until)

    def _take_turn(self) -> float:
        """Reserve the next turn and return the seconds until it."""
        with self._lock:
            now = self.clock()
            turn = max(now, self._next)
            self._next = turn + self._interval_s
        return turn - now

    def _pause(self, seconds: float) -> None:
        remaining_s = self.remaining_s()
        if seconds >= remaining_s:
            raise DeadlineReachedError("This part of the run is out of time.")
        if seconds > 0:
            self._sleep(seconds)
