"""Values of a store by key, which outlive an outage of the store for a bounded time."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from route_switch.domain.errors import StoreError
from route_switch.services.deadline import Clock

logger = logging.getLogger(__name__)

PAUSE_S = 2.0
"""How long a store is not asked again after a read that failed. Each further failure doubles it."""
LONGEST_PAUSE_S = 30.0
LOOK_S = 0.3
"""How long a request that has a last good value waits for a store that has failed."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def start_thread(work: Callable[[], None]) -> None:
    Thread(target=work, daemon=True, name="look-again").start()


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds since the value was read: until `fresh_s`, it is served without a read; until
    `stale_s`, only while the store fails."""

    fresh_s: float
    stale_s: float


class LastGoodValues(Generic[Key, Value]):
    """`read` returns a key's value, or None if there is none, or raises `StoreError`.

    After a failure, the store is not asked for a while: requests get the last good value at once,
    or a `StoreError` at once if there is none. After that, a request that has a last good value
    waits only for `LOOK_S` to learn whether the store is back: `start` runs the read in a thread.
    At most `max_values` values are kept; the one that was used least recently goes first. Threads
    may share it.
    """

    def __init__(
        self,
        read: Callable[[Key], Value | None],
        lifetime: Lifetime,
        max_values: int,
        clock: Clock = time.monotonic,
        start: Callable[[Callable[[], None]], None] = start_thread,
    ) -> None:
        self._read = read
        self._lifetime = lifetime
        self._max_values = max_values
        self._clock = clock
        self._start = start
        self._lock = Lock()
        self._values: OrderedDict[Key, tuple[Value, float]] = OrderedDict()
        self._failures = 0
        self._paused_until = float("-inf")
        self._failure = ""
        self._is_looking = False

    def get(self, key: Key) -> Value | None:
        """Raise `StoreError` if the store fails and there is no value that is recent enough."""
        with self._lock:
            kept = self._values.get(key)
            age_s = float("inf") if kept is None else self._clock() - kept[1]
            if kept is not None and age_s < self._lifetime.fresh_s:
                self._values.move_to_end(key)
                return kept[0]
            is_paused = self._clock() < self._paused_until
            looks_aside = self._failures > 0 and age_s < self._lifetime.stale_s
        if is_paused:
            return self._last_good(key)
        if looks_aside:
            return self._look_again(key)
        try:
            return self._read_now(key)
        except StoreError:
            return self._last_good(key)

    def renew(self, key: Key, after_s: float) -> None:
        """Read the value again if it was read longer ago than `after_s` and the store may be asked.
        Never raise."""
        kept = self._values.get(key)
        is_new = kept is not None and self._clock() - kept[1] < after_s
        if is_new or self._clock() < self._paused_until:
            return
        try:
            self._read_now(key)
        except StoreError:
            return  # it is logged

    def _look_again(self, key: Key) -> Value | None:
        """Return the value if it arrives soon, else the last good one."""
        with self._lock:
            is_first, self._is_looking = not self._is_looking, True
        found: list[Value | None] = []
        ended = Event()

        def look() -> None:
            try:
                found.append(self._read_now(key))
            except StoreError:
                pass  # it is logged
            finally:
                self._is_looking = False
                ended.set()

        if is_first:
            try:
                self._start(look)
            except RuntimeError:  # no thread can be started
                look()
            ended.wait(LOOK_S)
        return found[0] if found else self._last_good(key)

    def _read_now(self, key: Key) -> Value | None:
        """Read a value and keep it. It is as old as the beginning of its read."""
        began_at = self._clock()
        try:
            value = self._read(key)
        except StoreError as error:
            self._pause(error)
            raise
        with self._lock:
            self._failures = 0
            self._values.pop(key, None)
            if value is not None:
                self._values[key] = (value, began_at)
            if len(self._values) > self._max_values:
                self._values.popitem(last=False)
        return value

    def _pause(self, error: StoreError) -> None:
        pause_s = min(PAUSE_S * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_S)
        with self._lock:
            self._failures += 1
            self._failure = str(error)
            self._paused_until = self._clock() + pause_s
        logger.warning("%s Asking again in %.0f s.", error, pause_s)

    def _last_good(self, key: Key) -> Value | None:
        with self._lock:
            kept = self._values.get(key)
            if kept is None or self._clock() - kept[1] >= self._lifetime.stale_s:
                raise StoreError(self._failure)
            self._values.move_to_end(key)
            return kept[0]
