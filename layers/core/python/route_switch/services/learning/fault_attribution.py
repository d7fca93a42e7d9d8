"""Decide whether the provider or the request itself causes a call to fail.

The run waits for a provider that is down or half down. But a request that its provider cannot
answer (a constant 500, an answer that never ends) would block a run forever. It counts as refused
once the evidence says that it fails alone, in either of two ways:

- *Other calls succeed.* Since its first try, its model has answered at least ten other calls, and
  three for each other call that failed. (When 30% of all calls fail, that ratio is not reached, and
  seven failures in a row are one in 5,000.)
- *There are no other calls.* No other call to the model is in progress or has failed since, and the
  model's last known call succeeded. Of several such requests in a row only the first is skipped:
  after it, the model has to answer first.

The request must also have failed seven times, or timed out twice; each timeout takes minutes and is
charged. Only answers and judgments are skipped: router calls would not be missing at random.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.services.learning.paid_calls import Purpose

MAX_FAILURES, MAX_TIMEOUTS = 7, 2
MIN_OTHER_ANSWERS, OTHER_ANSWERS_PER_FAILURE = 10, 3
TOO_MANY_REQUESTS = 429
PERMANENT_FAILURES = frozenset({401, 403, 404, 405})
"""Statuses that waiting does not change: the key, model or address is wrong."""
SKIPPABLE = frozenset({Purpose.ANSWER, Purpose.JUDGE})


@dataclass
class ModelHealth:
    """What is known about one model. `tried_at` is when it was first called."""

    answered: int = 0
    failed: int = 0
    in_progress: int = 0
    tried_at: float = float("inf")
    answered_at: float = float("-inf")
    answered_last: bool = False


@dataclass
class TrackedRequest:
    """One request: the model's counts at its first try, and its own failures since."""

    model: ModelHealth
    answered: int
    failed: int
    failures: int = 0
    timeouts: int = 0


class FaultAttribution:
    """Thread-safe. `answered_before`: the run has already received answers in another process."""

    def __init__(self, answered_before: bool) -> None:
        self._answered_before = answered_before
        self._lock = threading.Lock()
        self._models: dict[str, ModelHealth] = {}

    @contextmanager
    def tracking(self, name: str) -> Iterator[TrackedRequest]:
        """Track a request to the model `name` while it is being tried."""
        with self._lock:
            model = self._models.setdefault(name, ModelHealth(answered_last=self._answered_before))
            model.in_progress += 1
            request = TrackedRequest(model, model.answered, model.failed)
        try:
            yield request
        finally:
            with self._lock:
                model.in_progress -= 1

    def answered(self, request: TrackedRequest, now: float) -> None:
        with self._lock:
            request.model.answered += 1
            request.model.answered_at = now
            request.model.answered_last = True

    def is_request_at_fault(
        self, request: TrackedRequest, error: ModelError, purpose: Purpose
    ) -> bool:
        """Count the failure, and return whether the request itself is the cause."""
        if isinstance(error, InvalidModelRequestError):
            return True
        with self._lock:
            request.failures += 1
            request.timeouts += isinstance(error, ModelTimeoutError)
            request.model.failed += 1
            if error.status == TOO_MANY_REQUESTS or error.status in PERMANENT_FAILURES:
                return False
            if purpose not in SKIPPABLE:
                return False
            enough = request.failures >= MAX_FAILURES or request.timeouts >= MAX_TIMEOUTS
            alone = enough and _fails_alone(request)
            if alone:
                request.model.answered_last = False
            return alone


def _fails_alone(request: TrackedRequest) -> bool:
    model = request.model
    answered = model.answered - request.answered
    failed = model.failed - request.failed - request.failures
    if answered >= max(MIN_OTHER_ANSWERS, OTHER_ANSWERS_PER_FAILURE * failed):
        return True
    return model.in_progress == 1 and failed == 0 and model.answered_last
