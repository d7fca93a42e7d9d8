"""Share folders between the workers of a test run: the first builds one, the others wait."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.cache import built_once


def once_a_run(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder that `make` fills, the same in every worker."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # the workers' folders are in the run's
    return built_once(base / "shared" / name, make)
