"""How far a run is, for whoever follows it."""

import json
import time
from collections.abc import Callable

from route_switch.adapters.learning.learning_bucket import PROGRESS
from route_switch.domain.learning.learning_ports import RunFiles

SECONDS_BETWEEN_WRITES = 2.0


class ProgressFile:
    """`Progress` as a small file that whoever follows the run may read."""

    def __init__(self, files: RunFiles, spent_usd: Callable[[], float]) -> None:
        self._files = files
        self._spent_usd = spent_usd
        self._step: str | None = None
        self._parts: int | None = None
        self._told_at = float("-inf")

    def step(self, name: str, parts: int | None = None) -> None:
        self._step, self._parts = name, parts
        self._write({})

    def trial(self, number: int, best: float) -> None:
        if time.monotonic() - self._told_at >= SECONDS_BETWEEN_WRITES:
            self._write({"trial": number, "best_objective": best})

    def _write(self, more: dict[str, float]) -> None:
        self._told_at = time.monotonic()
        news = {"step": self._step, "parts": self._parts, "spent_usd": self._spent_usd(), **more}
        self._files.write(PROGRESS, json.dumps(news).encode())
