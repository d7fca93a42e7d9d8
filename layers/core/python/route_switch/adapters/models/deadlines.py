"""The deadline of a thread's socket operations, for any library that reads from them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CANCEL_S = 0.2
"""How soon a wait notices that its call was cancelled."""

_thread = threading.local()


def begin_deadline(seconds: float, is_cancelled: Callable[[], bool] | None = None) -> object:
    """Begin a deadline, and return the value with which `end_deadline` ends it. An earlier deadline
    of the thread stays in force."""
    before = getattr(_thread, "ends_at", None), getattr(_thread, "is_cancelled", None)
    ends_at = time.monotonic() + seconds
    _thread.ends_at = ends_at if before[0] is None else min(before[0], ends_at)
    _thread.is_cancelled = is_cancelled or before[1]
    return before


def end_deadline(before: object) -> None:
    _thread.ends_at, _thread.is_cancelled = before if isinstance(before, tuple) else (None, None)


@contextmanager
def deadline_in(seconds: float, is_cancelled: Callable[[], bool] | None = None) -> Iterator[None]:
    """End every socket operation of this thread within the block after `seconds`, or soon after
    `is_cancelled` returns True."""
    before = begin_deadline(seconds, is_cancelled)
    try:
        yield
    finally:
        end_deadline(before)


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
    """Whether this thread's call is no longer waited for."""
    asked: Callable[[], bool] | None = getattr(_thread, "is_cancelled", None)
    return asked is not None and asked()


def can_be_cancelled() -> bool:
    return getattr(_thread, "is_cancelled", None) is not None
