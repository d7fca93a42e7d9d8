"""The deadline of what a thread does on sockets, whatever library reads from them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_thread = threading.local()


@contextmanager
def deadline_in(seconds: float) -> Iterator[None]:
    """End every socket operation of this thread within the block after so many seconds."""
    before: float | None = getattr(_thread, "ends_at", None)
    _thread.ends_at = time.monotonic() + seconds
    try:
        yield
    finally:
        _thread.ends_at = before


def time_left_s(timeout_s: float | None = None) -> float | None:
    """Return what an operation with this timeout may take; raise `TimeoutError` if nothing is left.

    None stands for any time.
    """
    ends_at: float | None = getattr(_thread, "ends_at", None)
    if ends_at is None:
        return timeout_s
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("The call's deadline has passed.")
    return left_s if timeout_s is None else min(timeout_s, left_s)
