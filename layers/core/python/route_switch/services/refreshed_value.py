"""A value that is refreshed periodically, in parallel with the requests that use it."""

import random
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

from route_switch.services.deadline import Clock

REFRESH_AFTER_S = 60.0
RETRY_AFTER_S = 2.0
"""The pause after a read that failed. Each further failure doubles it, up to `REFRESH_AFTER_S`; up
to half of it is subtracted at random, so that processes that started together do not read together
again."""
MAX_AGE_S = 300.0
"""A process that slept longer than this reads before it serves, because the value may have been
replaced for a reason."""
FINISH_S = 1.0
"""How long a request waits at its end for the refreshes that it has started."""

Value = TypeVar("Value")


class RefreshedValue(Generic[Value]):
    """`read` receives the current value, None at first, and must not fail. It returns a value and
    whether it is the one that was to be read. It always runs in a thread of `pool`, so that several
    values are read in parallel."""

    def __init__(
        self, read: Callable[[Value | None], tuple[Value, bool]], pool: Executor, clock: Clock
    ) -> None:
        self._read = read
        self._pool = pool
        self._clock = clock
        self._value: Value | None = None
        self._read_at = 0.0
        self._failures = 0
        self._due_after_s = REFRESH_AFTER_S
        self._refresh: Future[tuple[Value, bool]] | None = None

    def prepare(self) -> None:
        """Start reading if a refresh is due."""
        if self._refresh is None and self._age_s >= self._due_after_s:
            self._refresh = self._pool.submit(self._read, self._value)

    def known(self) -> Value | None:
        """Return the value as it was last read, if it has been read. Never read it."""
        return self._value

    def current(self) -> Value:
        """Return the value. Wait for a refresh only when the value is too old; otherwise refresh in
        parallel with the request."""
        self.prepare()
        if self._refresh is not None and (self._value is None or self._age_s >= MAX_AGE_S):
            refresh, self._refresh = self._refresh, None
            return self._keep(*refresh.result())
        assert self._value is not None  # noqa: S101 (for the type checker: without a value, the age is MAX_AGE_S)
        return self._value

    def finish_refresh(self, timeout_s: float = FINISH_S) -> None:
        """Collect a refresh in progress. Call this when a request ends: a Lambda environment is
        frozen between requests and would resume with a dead connection. One that takes longer is
        left alone, and the next one is due as after a failure."""
        if self._refresh is None:
            return
        refresh, self._refresh = self._refresh, None
        try:
            self._keep(*refresh.result(timeout_s))
        except TimeoutError:
            self._read_at = self._clock()
            self._failures += 1
            self._due_after_s = REFRESH_AFTER_S

    @property
    def _age_s(self) -> float:
        return MAX_AGE_S if self._value is None else self._clock() - self._read_at

    def _keep(self, value: Value, was_read: bool) -> Value:
        self._value, self._read_at = value, self._clock()
        self._failures = 0 if was_read else self._failures + 1
        self._due_after_s = REFRESH_AFTER_S if was_read else _pause_s(self._failures)
        return value


def _pause_s(failures: int) -> float:
    longest = min(RETRY_AFTER_S * 2.0 ** min(failures - 1, 10), REFRESH_AFTER_S)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (jitter)
