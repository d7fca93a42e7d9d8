"""Synthesize the local stage in another process."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from local.aws.errors import LocalStackError


def synthesize(
    assembly: Path, environment: Mapping[str, str], meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Write the cloud assembly, and call `meanwhile` in this process until it is written."""
    command = [sys.executable, "-m", "infra.app", "--stage", "local", "--output", str(assembly)]
    # In a session of its own, Ctrl-C does not reach Node.js, which would print what it interrupts.
    process = subprocess.Popen(command, env=dict(environment), start_new_session=True)  # noqa: S603 - fixed command
    try:
        meanwhile()
        failed = process.wait() != 0
    finally:
        process.kill()
        process.wait()
    if failed:
        raise LocalStackError("The local stage could not be synthesized; the reason is above.")
