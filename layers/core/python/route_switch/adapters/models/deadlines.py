"""The deadline of what a thread does on sockets, whatever library reads from them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CANCEL_S = 0.2
"""How soon a wait notices that its call was cancelled."""

_thread = threading.local()


@contextmanager
def deadline_in(seconds: float, is_cancelled: Callable[[], bool] | None = None) -> Iterator[None]:
    """End every socket operation of this thread within the block after so many seconds, or soon
    after `is_cancelled` returns True."""
    before = getattr(_thread, "ends_at", None), getattr(_thread, "is_cancelled", None)
    _thread.ends_at, _thread.is_cancelled = time.monotonic() + seconds, is_cancelled
    try:
        yield
    finally:
        _thread.ends_at, _thread.is_cancelled = before


def time_left_s(timeout_s: float | None = None) -> float | None:
    """Return what an operation with this timeout may take; raise `TimeoutError` if nothing is left.

    None stands for any time.
    """
    ends_at: float | None = getattr(_thread, "ends_at", None)
    if ends_at is None:
        return timeout_s
    left_s = ends_at - time.monotonic()
    if left_s <= 0 or is_cancelled():
        raise TimeoutError("The call's deadline has passed.")
    return left_s if timeout_s is None else min(timeout_s, left_s)


def is_cancelled() -> bool:
    """Whether nobody waits for this thread's call."""
    asked: Callable[[], bool] | None = getattr(_thread, "is_cancelled", None)
    return asked is not None and asked()


def can_be_cancelled() -> bool:
    return getattr(_thread, "is_cancelled", None) is not None
