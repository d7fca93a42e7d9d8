"""A call of a model: while it is pending, and its result."""

from concurrent.futures import Future
from dataclasses import dataclass

from route_switch.domain.completion import Completion
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import Attempt
from route_switch.domain.tiers import Tier
from route_switch.services.live_answer import LiveAnswer
from route_switch.services.sending import Sending


@dataclass(frozen=True, slots=True)
class CallResult:
    """One call: its completion or its error, and the attempt to record.

    `late` is the call that kept running after it timed out. `live` is an answer that has begun; the
    attempt is then provisional.
    """

    attempt: Attempt
    completion: Completion | None = None
    error: ModelError | None = None
    late: Future[Completion] | None = None
    live: LiveAnswer | None = None


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that was started at `started`, a time of the caller's clock."""

    name: str
    tier: Tier | None
    messages: tuple[JsonObject, ...]
    started: float
    future: Future[Completion]
    sending: Sending
