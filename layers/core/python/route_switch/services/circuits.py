"""A circuit breaker per model, in this process: stop waiting for a model that keeps failing."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ModelUnusableError,
)

logger = logging.getLogger(__name__)

FAILURES = 3
"""Failures in a row that open a circuit."""
OPEN_S = 10.0
"""How long a circuit stays open before one request probes the model. Each failed probe doubles
it."""
LONGEST_OPEN_S = 60.0
PROBE_S = 2.0
"""How long a probe is waited for before the request goes on without it. A late answer still closes
the circuit."""


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    openings: int = 0
    probe_at: float | None = None
    """None while the circuit is closed."""


class Circuits:
    """Threads may share it. Nothing is kept for a model that works."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, failures: float = FAILURES
    ) -> None:
        self._clock = clock
        self._failures = failures
        self._lock = Lock()
        self._circuits: dict[str, _Circuit] = {}

    def is_open(self, model: str) -> bool:
        """Whether the model should be left alone. Once its time has passed, return False to one
        caller, whose call is the probe, and True to others until the probe has failed or its time
        has passed again."""
        circuit = self._circuits.get(model)
        if circuit is None or circuit.probe_at is None:
            return False
        with self._lock:
            if circuit.probe_at is None:
                return False
            if self._clock() < circuit.probe_at:
                return True
            circuit.probe_at = self._clock() + OPEN_S
            return False

    def wait_s(self, model: str, timeout_s: float) -> float:
        """Return how long to wait for a call: less for a probe."""
        circuit = self._circuits.get(model)
        is_closed = circuit is None or circuit.probe_at is None
        return timeout_s if is_closed else min(timeout_s, PROBE_S)

    def succeeded(self, model: str) -> None:
        if model not in self._circuits:
            return
        with self._lock:
            circuit = self._circuits.pop(model, None)
        if circuit is not None and circuit.probe_at is not None:
            logger.warning("The circuit of %s is closed: it answers again.", model)

    def failed(self, model: str, error: ModelError) -> None:
        if not _is_outage(error):
            return
        with self._lock:
            circuit = self._circuits.setdefault(model, _Circuit())
            circuit.failures += 1
            if circuit.failures < self._failures:
                return
            open_s = min(OPEN_S * 2.0 ** min(circuit.openings, 10), LONGEST_OPEN_S)
            circuit.openings += 1
            circuit.probe_at = self._clock() + open_s
        logger.warning(
            "The circuit of %s is open after %d failures in a row. It is probed in %.0f s.",
            model, circuit.failures, open_s,
        )  # fmt: skip


def _is_outage(error: ModelError) -> bool:
    """Whether another request would probably fail too. A refused request says nothing about the
    next one; a rejected key and a rate limit fail quickly and cost nothing."""
    if isinstance(error, ModelTimeoutError):
        return True
    is_answered = isinstance(error, InvalidModelRequestError | ModelUnusableError)
    return not is_answered and error.status != 429
