"""Whose fault it is that a call fails: the provider's, or that of the very request.

A provider that is down, or half down, is waited for. A request that its provider cannot answer
(a constant 500, an answer that never ends) would hold up a run for good, so it counts as refused,
once the evidence says that it stands alone:

- *others are answered*: since its first try, its model has answered at least ten other calls, and
  three for each other call that failed. (At 30% of calls failing for everybody, that is not
  reached, and seven failures in a row are one in 5,000.)
- or *nobody else is there*: no other call of the model is under way or has failed since, and the
  last thing that was known of the model is an answer. Of several such calls in a row only the
  first one is let go: after it, an answer has to come.

Seven failures are enough then, or two timeouts, each of which takes minutes and is paid for. Only
answers and judgments are let go: a router's call that is missing would not be missing at random.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.services.learning.paid_calls import Purpose

TRIES, TIMEOUTS = 7, 2
OTHERS, OTHERS_PER_FAILURE = 10, 3
OVERLOADED = 429
HOPELESS = frozenset({401, 403, 404, 405})
"""Statuses that waiting does not change: a wrong key, model or address."""
MAY_BE_LET_GO = frozenset({Purpose.ANSWER, Purpose.JUDGE})


@dataclass
class ModelRecord:
    """What is known of one model."""

    answered: int = 0
    failed: int = 0
    under_way: int = 0
    answered_at: float = float("-inf")
    answered_last: bool = False


@dataclass
class Watched:
    """One request: what was known at its first try, and how it went since."""

    model: ModelRecord
    answered: int
    failed: int
    tries: int = 0
    timeouts: int = 0


class Blame:
    """Safe to use from many threads. `answered_before`: the run has had answers elsewhere."""

    def __init__(self, answered_before: bool) -> None:
        self._answered_before = answered_before
        self._lock = threading.Lock()
        self._models: dict[str, ModelRecord] = {}

    @contextmanager
    def watching(self, name: str) -> Iterator[Watched]:
        """For the time that a request of the model `name` is tried."""
        with self._lock:
            model = self._models.setdefault(name, ModelRecord(answered_last=self._answered_before))
            model.under_way += 1
            watched = Watched(model, model.answered, model.failed)
        try:
            yield watched
        finally:
            with self._lock:
                model.under_way -= 1

    def answered(self, watched: Watched, now: float) -> None:
        with self._lock:
            watched.model.answered += 1
            watched.model.answered_at = now
            watched.model.answered_last = True

    def is_its_own_fault(self, watched: Watched, error: ModelError, purpose: Purpose) -> bool:
        """Counts the failure, and says whether the request is to blame."""
        if isinstance(error, InvalidModelRequestError):
            return True
        with self._lock:
            watched.tries += 1
            watched.timeouts += isinstance(error, ModelTimeoutError)
            watched.model.failed += 1
            if error.status == OVERLOADED or error.status in HOPELESS:
                return False
            if purpose not in MAY_BE_LET_GO:
                return False
            enough = watched.tries >= TRIES or watched.timeouts >= TIMEOUTS
            alone = enough and _stands_alone(watched)
            if alone:
                watched.model.answered_last = False
            return alone


def _stands_alone(watched: Watched) -> bool:
    model = watched.model
    answered = model.answered - watched.answered
    failed = model.failed - watched.failed - watched.tries
    if answered >= max(OTHERS, OTHERS_PER_FAILURE * failed):
        return True
    return model.under_way == 1 and failed == 0 and model.answered_last
