"""A value that is read anew from time to time, beside the requests that need it."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

from route_switch.services.call_models import Clock

CACHE_S = 60.0
MAX_AGE_S = 300.0
"""A process that slept longer than this reads before it serves: the value may have been replaced
for a reason."""

Value = TypeVar("Value")


class Refreshed(Generic[Value]):
    """`read` gets the value so far, None at first, and does not fail. It runs in a thread of
    `pool` from the beginning on, so that several values are read at once."""

    def __init__(self, read: Callable[[Value | None], Value], pool: Executor, clock: Clock) -> None:
        self._read = read
        self._pool = pool
        self._clock = clock
        self._value: Value | None = None
        self._read_at = 0.0
        self._refresh: Future[Value] | None = None

    def prepare(self) -> None:
        """Starts to read when that is due."""
        if self._refresh is None and self._age_s >= CACHE_S:
            self._refresh = self._pool.submit(self._read, self._value)

    def current(self) -> Value:
        """The value; one that is too old is waited for, any other is read beside the request."""
        self.prepare()
        if self._refresh is not None and (self._value is None or self._age_s >= MAX_AGE_S):
            refresh, self._refresh = self._refresh, None
            return self._keep(refresh.result())
        assert self._value is not None  # noqa: S101 (else its age is infinite; for the type checker)
        return self._value

    def settle(self, timeout_s: float = 1.0) -> None:
        """Takes over a refresh that is under way: called when a request ends, since a Lambda
        environment sleeps between requests and would wake up with a dead connection."""
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
