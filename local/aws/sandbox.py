"""Runs a command under the limits that a Lambda function lives with.

    python sandbox.py MEMORY_MB SCRATCH COMMAND…

The command can write only below SCRATCH, whoever runs it (Landlock, where the kernel has it), and
has at most MEMORY_MB of private writable memory (`RLIMIT_DATA`: unlike the address space, that does
not count what a library only reserves). With 0 there is no cap, and it dies with its parent.

Started by path, before the function's code, with nothing but the standard library.
"""

import ctypes
import os
import resource
import signal
import struct
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
# Landlock's system calls have these numbers on every architecture (linux/landlock.h).
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
PATH_BENEATH = 1
WRITE_FILE = 1 << 1
CHANGES = WRITE_FILE | sum(1 << bit for bit in range(4, 13))
"""Writing, and removing or making entries of any kind."""
CHANGES_SINCE = {2: 1 << 13, 3: 1 << 14}
"""Rights that later versions added: moving between folders, truncating."""

libc = ctypes.CDLL(None, use_errno=True)


def landlock_version() -> int:
    """0 or less: this kernel cannot confine writes."""
    return int(libc.syscall(CREATE_RULESET, None, 0, VERSION_FLAG))


def confine_writes(scratch: str) -> None:
    """From now on this process and its children write below `scratch` and to devices only."""
    version = landlock_version()
    if version <= 0:
        return
    changes = CHANGES | sum(right for since, right in CHANGES_SINCE.items() if since <= version)
    rules = libc.syscall(CREATE_RULESET, struct.pack("Q", changes), 8, 0)
    for path, allowed in ((scratch, changes), ("/dev", WRITE_FILE)):
        rule = struct.pack("=Qi", allowed, os.open(path, os.O_PATH | os.O_CLOEXEC))
        libc.syscall(ADD_RULE, rules, PATH_BENEATH, rule, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(RESTRICT_SELF, rules, 0):
        sys.exit(f"Landlock refused to confine the function: error {ctypes.get_errno()}.")


def main(memory_mb: int, scratch: str, command: list[str]) -> None:
    parent = os.getppid()
    confine_writes(scratch)
    if memory_mb:
        limit = memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    else:
        # The emulator dies with the stack, and the runtime below it ends when it finds no emulator.
        # It must not be tied to its parent in this way: the signal comes when the parent's *thread*
        # ends, and a Go program may end one whenever it likes.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The local stack ended before its function started.")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
