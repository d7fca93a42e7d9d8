"""The processes that run a local stack's router."""

from collections.abc import Iterator
from pathlib import Path

from local.aws.client import StackInfo
from tests.support.processes import kill


def kill_router(stack: StackInfo) -> int:
    """Kill every execution environment of the stack's router, as a crash would. Return how many
    there were."""
    return kill(router_processes(stack))


def router_processes(stack: StackInfo) -> Iterator[int]:
    """Return the ids of the processes that run the stack's router."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:  # it has ended
            continue
        is_of_stack = f"AWS_ENDPOINT_URL_DYNAMODB={stack.aws_endpoint}\0".encode() in environment
        if is_of_stack and b"-m\0awslambdaric" in command and b"RECORDS_QUEUE_URL" in environment:
            yield int(process.name)
