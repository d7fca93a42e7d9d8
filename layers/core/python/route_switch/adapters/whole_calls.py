"""Limit how long a whole call of AWS may take.

botocore's time-outs apply to each read: a store that sends a byte now and then can hold a request,
and with it the client, indefinitely. Retries add up as well.
"""

from typing import TYPE_CHECKING, TypeVar

from route_switch.adapters.models.botocore_deadlines import with_deadlines
from route_switch.adapters.models.deadlines import begin_deadline, end_deadline, time_left_s

if TYPE_CHECKING:
    from botocore.client import BaseClient

    Client = TypeVar("Client", bound=BaseClient)

LAST_REPEAT_S = 1.0
"""A call that failed with less time left is not repeated: botocore waits up to 2 s before it."""

_BEFORE = "route_switch_deadline"


def limit_whole_calls(client: "Client", seconds: float) -> "Client":
    """End each call, its retries included, after `seconds` with one of botocore's errors.

    A body that is read after the call (S3's `get_object`) is not part of it: read it within
    `deadline_in`.
    """

    def begin(context: dict[str, object], **_: object) -> None:
        context[_BEFORE] = begin_deadline(seconds)

    def end(context: dict[str, object], **_: object) -> None:
        end_deadline(context.pop(_BEFORE, None))

    def give_up(caught_exception: Exception | None = None, **_: object) -> None:
        if caught_exception is not None and not _has_time():
            raise caught_exception

    events = with_deadlines(client).meta.events
    events.register("before-call", begin, "begin-deadline")
    events.register("needs-retry", give_up, "give-up")
    events.register("after-call", end, "end-deadline")
    events.register("after-call-error", end, "end-deadline-after-error")
    return client


def _has_time() -> bool:
    try:
        left_s = time_left_s()
    except TimeoutError:
        return False
    return left_s is None or left_s >= LAST_REPEAT_S
