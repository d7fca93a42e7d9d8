"""A run's progress, for its followers."""

import json
import time
from collections.abc import Callable

from route_switch.adapters.learning.learning_bucket import PROGRESS
from route_switch.domain.learning.learning_ports import RunFiles

SECONDS_BETWEEN_WRITES = 2.0


class ProgressFile:
    """Implements `Progress` as a small file that followers of the run can read."""

    def __init__(self, files: RunFiles, spent_usd: Callable[[], float]) -> None:
        self._files = files
        self._spent_usd = spent_usd
        self._step: str | None = None
        self._parts: int | None = None
        self._written_at = float("-inf")

    def step(self, name: str, parts: int | None = None) -> None:
        self._step, self._parts = name, parts
        self._write({})

    def trial(self, number: int, best: float) -> None:
        if time.monotonic() - self._written_at >= SECONDS_BETWEEN_WRITES:
            self._write({"trial": number, "best_objective": best})

    def _write(self, details: dict[str, float]) -> None:
        self._written_at = time.monotonic()
        progress = {
            "step": self._step,
            "parts": self._parts,
            "spent_usd": self._spent_usd(),
            **details,
        }
        self._files.write(PROGRESS, json.dumps(progress).encode())
