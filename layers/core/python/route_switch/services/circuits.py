"""Circuit breakers in this process: stop waiting for a model that keeps failing.

Failures count by the key whose requests they were, because a client can make a provider fail.
"""

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
"""This many failures of one key in a row open a circuit for that key, and failures of this many
keys open one for all. Any success restarts the counts."""
OPEN_S = 10.0
"""How long a circuit stays open before one request probes the model. Each failed probe doubles
it."""
LONGEST_OPEN_S = 60.0
"""Also the longest advice of a provider (Retry-After) that is followed."""
PROBE_S = 2.0
"""How long a request waits for a probe before it goes on without it. A late answer still closes the
circuit."""
STREAM_PROBE_S = 5.0
"""The same for the first token of a stream, which is given up if it is late. Each failed probe
doubles it: a model may think for longer."""

ALL_KEYS = "all keys"
"""Stands for all keys in place of a key's id."""

Opened = Callable[[str], None]
"""Called with the model whose circuit has just opened."""


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    openings: int = 0
    probe_at: float | None = None
    """None while the circuit is closed."""


class Circuits:
    """A model has a circuit for each key whose calls fail, and one for all keys. A success closes
    all of them.

    Threads may share it. Nothing is kept for a model that works. A key is None for the owner's own
    calls.
    """

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
        self._circuits: dict[str, dict[str | None, _Circuit]] = {}

    def is_open(self, model: str, key: str | None = None) -> bool:
        """Whether the key's requests should skip the model. Once its time has passed, return False
        to one caller, whose call is the probe, and True to others until the probe has failed or its
        time has passed again."""
        circuit = self._open(model, key)
        return circuit is not None and self._keeps_out(circuit)

    def _keeps_out(self, circuit: _Circuit) -> bool:
        with self._lock:
            if circuit.probe_at is None:
                return False
            if self._clock() < circuit.probe_at:
                return True
            circuit.probe_at = self._clock() + OPEN_S
            return False

    def wait_s(
        self, model: str, timeout_s: float, key: str | None = None, *, stream: bool = False
    ) -> float:
        """Return how long to wait for a call: less for a probe."""
        circuit = self._open(model, key)
        if circuit is None:
            return timeout_s
        failed_probes = min(max(circuit.openings - 1, 0), 10)
        return min(timeout_s, STREAM_PROBE_S * 2.0**failed_probes if stream else PROBE_S)

    def _open(self, model: str, key: str | None) -> _Circuit | None:
        """Return the key's own circuit if it is open, else that of all keys if it is."""
        of_model = self._circuits.get(model)
        if of_model is None:
            return None
        found = (of_model.get(each) for each in (key, ALL_KEYS))
        return next((each for each in found if each and each.probe_at is not None), None)

    def responded(self, model: str) -> None:
        """Close the circuits of a model that responds, but whose answer is not whole yet. One more
        failure opens them again."""
        self._close(model, [*self._circuits.get(model, ())])

    def _close(self, model: str, keys: Iterable[str | None]) -> None:
        of_model = self._circuits.get(model)
        if of_model is None:
            return
        with self._lock:
            found = [of_model[key] for key in keys if key in of_model]
            were_open = any(circuit.probe_at is not None for circuit in found)
            for circuit in found:
                circuit.probe_at = None
        if were_open:
            logger.warning("The circuit of %s is closed: it responds again.", model)

    def succeeded(self, model: str) -> None:
        self.responded(model)
        if model in self._circuits:
            with self._lock:
                self._circuits.pop(model, None)

    def failed(self, model: str, error: ModelError, key: str | None = None) -> None:
        """Count a failure. A refused request says nothing about the next one, and its provider
        responds to this key; a rejected key of a provider fails quickly and costs nothing. If a
        provider says when to call again, an open circuit is probed then: one such answer alone
        opens none, because a single large request may be the reason."""
        if isinstance(error, InvalidModelRequestError):
            self._close(model, (key,))
        elif not isinstance(error, ModelUnusableError | ModelNotCalledError):
            self._count(model, key, error.retry_after_s or 0.0)

    def _count(self, model: str, key: str | None, advised_s: float) -> None:
        """Count a failure. For all keys, count one failure of each; more only once `failures` keys
        have failed, and none of a key that already has a circuit of its own."""
        with self._lock:
            circuits = self._circuits.setdefault(model, {})
            own, shared = (circuits.setdefault(each, _Circuit()) for each in (key, ALL_KEYS))
            is_first = own.failures == 0
            counts_for_all = is_first or own.failures < self._failures <= shared.failures
            opened = [(key, own)] if self._opens(own, advised_s) else []
            if counts_for_all and self._opens(shared, advised_s):
                opened.append((ALL_KEYS, shared))
        for whose, circuit in opened:
            logger.warning(
                "The circuit of %s is open for %s after %d failures in a row.",
                model, whose or "the owner", circuit.failures,
            )  # fmt: skip
        if opened:
            self._opened(model)

    def _opens(self, circuit: _Circuit, advised_s: float) -> bool:
        """Count a failure, and return whether the circuit is open now."""
        circuit.failures += 1
        if circuit.failures < self._failures:
            return False
        open_s = advised_s or OPEN_S * 2.0 ** min(circuit.openings, 10)
        circuit.openings += not advised_s
        circuit.probe_at = self._clock() + min(open_s, LONGEST_OPEN_S)
        return True


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
        """The models that were not tried when their turn came."""
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
