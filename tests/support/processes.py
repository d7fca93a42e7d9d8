"""Find and kill the processes that run a function in a local stack."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from local.aws.client import StackInfo

Part = Literal["runtime", "emulator"]
"""A function's code runs in the runtime process, below an emulator that stands in for Lambda."""


def kill_function(stack: StackInfo, function: str, part: Part = "runtime") -> int:
    """Kill this part of every environment of the function. Return how many there were."""
    found = [pid for pid, each in environments(stack, function) if each == part]
    for pid in found:
        kill(pid)
    return len(found)


def kill(pid: int) -> None:
    """End the process, and wait until it has ended."""
    with suppress(ProcessLookupError):  # it has already ended
        descriptor = os.pidfd_open(pid)
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [])
        os.close(descriptor)


def environments(stack: StackInfo, function: str) -> Iterator[tuple[int, Part]]:
    """Return the function's processes. The address of their AWS distinguishes them from other
    stacks'."""
    marks = {
        f"AWS_LAMBDA_FUNCTION_NAME={function}".encode(),
        f"AWS_ENDPOINT_URL_LAMBDA={stack.aws_endpoint}".encode(),
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            program = (process / "exe").readlink().name
        except OSError:  # it has just ended, or belongs to another user
            continue
        if marks <= set(environment):
            yield int(process.name), "emulator" if "lambda-rie" in program else "runtime"
