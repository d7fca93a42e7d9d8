"""Values of a store by key, which outlive an outage of the store for a bounded time."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from route_switch.domain.errors import StoreError
from route_switch.services.call_models import Clock

logger = logging.getLogger(__name__)

PAUSE_S = 5.0
"""How long a store is left alone after a read that failed. Each further failure doubles it."""
LONGEST_PAUSE_S = 30.0

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """In seconds since the value was read: until `fresh_s`, it is served without a read; until
    `stale_s`, only while the store fails."""

    fresh_s: float
    stale_s: float


class LastGoodValues(Generic[Key, Value]):
    """`read` returns a key's value, or None if there is none, or raises `StoreError`.

    After a failure, the store is not asked for a while: requests get the last good value at once,
    or a `StoreError` at once if there is none. At most `max_values` values are kept; the one that
    was used least recently goes first.
    """

    def __init__(
        self,
        read: Callable[[Key], Value | None],
        lifetime: Lifetime,
        max_values: int,
        clock: Clock = time.monotonic,
    ) -> None:
        self._read = read
        self._lifetime = lifetime
        self._max_values = max_values
        self._clock = clock
        self._values: OrderedDict[Key, tuple[Value, float]] = OrderedDict()
        self._failures = 0
        self._paused_until = float("-inf")
        self._failure = ""

    def get(self, key: Key) -> Value | None:
        """Raise `StoreError` if the store fails and there is no value that is recent enough."""
        kept = self._values.get(key)
        if kept is not None and self._clock() - kept[1] < self._lifetime.fresh_s:
            self._values.move_to_end(key)
            return kept[0]
        if self._clock() < self._paused_until:
            return self._last_good(key)
        try:
            value = self._read(key)
        except StoreError as error:
            self._pause(error)
            return self._last_good(key)
        self._failures = 0
        self._keep(key, value)
        return value

    def _keep(self, key: Key, value: Value | None) -> None:
        self._values.pop(key, None)
        if value is None:
            return
        self._values[key] = (value, self._clock())
        if len(self._values) > self._max_values:
            self._values.popitem(last=False)

    def _pause(self, error: StoreError) -> None:
        pause_s = min(PAUSE_S * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_S)
        self._failures += 1
        self._failure = str(error)
        self._paused_until = self._clock() + pause_s
        logger.warning("%s Asking again in %.0f s.", error, pause_s)

    def _last_good(self, key: Key) -> Value | None:
        kept = self._values.get(key)
        if kept is None or self._clock() - kept[1] >= self._lifetime.stale_s:
            raise StoreError(self._failure)
        self._values.move_to_end(key)
        return kept[0]
