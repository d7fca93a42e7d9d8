"""Find and kill the processes that run a function in a local stack."""

import os
import select
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from local.aws.client import StackInfo

Part = Literal["runtime", "emulator"]
"""A function's code runs in the runtime process, below an emulator that stands in for Lambda."""


def kill_function(stack: StackInfo, function: str, part: Part = "runtime") -> int:
    """Kill this part of every environment of the function. Return how many there were."""
    return kill(pid for pid, each in environments(stack, function) if each == part)


def kill(pids: Iterable[int]) -> int:
    """End the processes, and wait until they have ended: until then, a stack may give the next
    event to one of them. Return how many there were."""
    found = []
    for pid in pids:
        with suppress(ProcessLookupError):  # it has already ended
            found.append(os.pidfd_open(pid))
            signal.pidfd_send_signal(found[-1], signal.SIGKILL)
    for descriptor in found:
        select.select([descriptor], [], [])
        os.close(descriptor)
    return len(found)


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
