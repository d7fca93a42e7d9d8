"""A value that is refreshed periodically, in parallel with the requests that use it."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

from route_switch.services.call_models import Clock

REFRESH_AFTER_S = 60.0
MAX_AGE_S = 300.0
"""A process that slept longer than this reads before it serves, because the value may have been
replaced for a reason."""

Value = TypeVar("Value")


class RefreshedValue(Generic[Value]):
    """`read` receives the current value, None at first, and must not fail. It always runs in a
    thread of `pool`, so that several values are read in parallel."""

    def __init__(self, read: Callable[[Value | None], Value], pool: Executor, clock: Clock) -> None:
        self._read = read
        self._pool = pool
        self._clock = clock
        self._value: Value | None = None
        self._read_at = 0.0
        self._refresh: Future[Value] | None = None

    def prepare(self) -> None:
        """Start reading if a refresh is due."""
        if self._refresh is None and self._age_s >= REFRESH_AFTER_S:
            self._refresh = self._pool.submit(self._read, self._value)

    def current(self) -> Value:
        """Return the value. Wait for a refresh only when the value is too old; otherwise refresh in
        parallel with the request."""
        self.prepare()
        if self._refresh is not None and (self._value is None or self._age_s >= MAX_AGE_S):
            refresh, self._refresh = self._refresh, None
            return self._keep(refresh.result())
        assert self._value is not None  # noqa: S101 (for the type checker: without a value, the age is MAX_AGE_S)
        return self._value

    def finish_refresh(self, timeout_s: float = 1.0) -> None:
        """Collect a refresh in progress. Call this when a request ends: a Lambda environment is
        frozen between requests and would resume with a dead connection."""
        if self._refresh is None:
            return
        refresh, self._refresh = self._refresh, None
        try:
            self._keep(refresh.result(timeout_s))
        except TimeoutError:
            self._read_at = self._clock()

    @property
    def _age_s(self) -> float:
        return MAX_AGE_S if self._value is None else self._clock() - self._read_at

    def _keep(self, value: Value) -> Value:
        self._value, self._read_at = value, self._clock()
        return value
