"""A circuit breaker per model, in this process: stop waiting for a model that keeps failing."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelNotCalledError,
    ModelUnusableError,
)

logger = logging.getLogger(__name__)

FAILURES = 3
"""Failures in a row that open a circuit."""
OPEN_S = 10.0
"""How long a circuit stays open before one request probes the model. Each failed probe doubles
it."""
LONGEST_OPEN_S = 60.0
"""Also the longest advice of a provider (Retry-After) that is followed."""
PROBE_S = 2.0
"""How long a probe is waited for before the request goes on without it. A late answer still closes
the circuit."""
STREAM_PROBE_S = 5.0
"""The same for the first token of a stream, which is given up if it is late. Each failed probe
doubles it: a model may think for longer."""

Opened = Callable[[str], None]
"""Told the model whose circuit has just opened."""


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    openings: int = 0
    probe_at: float | None = None
    """None while the circuit is closed."""


class Circuits:
    """Threads may share it. Nothing is kept for a model that works."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        failures: float = FAILURES,
        opened: Opened = lambda _: None,
    ) -> None:
        """With infinitely many `failures`, no circuit opens."""
        self._clock = clock
        self._failures = failures
        self._opened = opened
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

    def wait_s(self, model: str, timeout_s: float, *, stream: bool = False) -> float:
        """Return how long to wait for a call: less for a probe."""
        circuit = self._circuits.get(model)
        if circuit is None or circuit.probe_at is None:
            return timeout_s
        failed_probes = min(max(circuit.openings - 1, 0), 10)
        return min(timeout_s, STREAM_PROBE_S * 2.0**failed_probes if stream else PROBE_S)

    def responded(self, model: str) -> None:
        """Close the circuit of a model that responds, but whose answer is not whole yet. One more
        failure opens it again."""
        if model not in self._circuits:
            return
        with self._lock:
            circuit = self._circuits.get(model)
            was_open = circuit is not None and circuit.probe_at is not None
            if circuit is not None:
                circuit.probe_at = None
        if was_open:
            logger.warning("The circuit of %s is closed: it responds again.", model)

    def succeeded(self, model: str) -> None:
        self.responded(model)
        if model in self._circuits:
            with self._lock:
                self._circuits.pop(model, None)

    def failed(self, model: str, error: ModelError) -> None:
        """Count a failure. A refused request says nothing about the next one, and its provider
        responds; a rejected key fails quickly and costs nothing. If a provider says when to call
        again, an open circuit is probed then: one such answer alone opens none, because a single
        large request may be the reason."""
        if isinstance(error, InvalidModelRequestError):
            self.responded(model)
        elif not isinstance(error, ModelUnusableError | ModelNotCalledError):
            self._count(model, error.retry_after_s or 0.0)

    def _count(self, model: str, advised_s: float) -> None:
        with self._lock:
            circuit = self._circuits.setdefault(model, _Circuit())
            circuit.failures += 1
            if circuit.failures < self._failures:
                return
            open_s = advised_s or OPEN_S * 2.0 ** min(circuit.openings, 10)
            open_s = min(open_s, LONGEST_OPEN_S)
            circuit.openings += not advised_s
            circuit.probe_at = self._clock() + open_s
            failures = circuit.failures
        logger.warning(
            "The circuit of %s is open after %d failures in a row. It is probed in %.0f s.",
            model, failures, open_s,
        )  # fmt: skip
        self._opened(model)


Turn = TypeVar("Turn")


class ModelOrder(Generic[Turn]):
    """Things to try in order, each once. Those whose model `is_down` are tried after the others."""

    def __init__(
        self,
        order: Iterable[Turn],
        model_of: Callable[[Turn], str],
        is_down: Callable[[str], bool],
    ) -> None:
        self.left = [*order]
        self._model_of = model_of
        self._is_down = is_down
        self._passed_over: dict[str, None] = {}

    @property
    def skipped(self) -> tuple[str, ...]:
        """The models whose turn came, and that were not tried."""
        return tuple(self._passed_over)

    def take(self) -> Turn:
        """Take the first one that is not down; if all are, the first."""
        down: list[str] = []
        for turn in self.left:
            if not self._is_down(self._model_of(turn)):
                self._passed_over.update(dict.fromkeys(down))
                break
            down.append(self._model_of(turn))
        else:
            turn = self.left[0]
        self.left = [each for each in self.left if each is not turn]
        self._passed_over.pop(self._model_of(turn), None)
        return turn
