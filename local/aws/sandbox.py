"""Run a command with the limits of a Lambda function.

    python sandbox.py MEMORY_MB SCRATCH COMMAND…

The command can write only below SCRATCH, even as root (Landlock, if the kernel has it). Its private
writable memory is limited to MEMORY_MB (`RLIMIT_DATA`: unlike the address space, this does not
count memory that a library only reserves). With 0 there is no limit, and the command is killed when
its parent ends.

It is started by path, before the function's code, and uses only the standard library.
"""

import ctypes
import os
import resource
import signal
import struct
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
# Landlock's system calls have the same numbers on every architecture (linux/landlock.h).
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
PATH_BENEATH = 1
WRITE_FILE = 1 << 1
CHANGES = WRITE_FILE | sum(1 << bit for bit in range(4, 13))
"""Rights to write files, and to remove or create entries of any kind."""
CHANGES_SINCE = {2: 1 << 13, 3: 1 << 14}
"""Rights by the version that added them: moving between folders, truncating."""

libc = ctypes.CDLL(None, use_errno=True)


def landlock_version() -> int:
    """Return Landlock's version; 0 or less if the kernel lacks it."""
    return int(libc.syscall(CREATE_RULESET, None, 0, VERSION_FLAG))


def confine_writes(scratch: str) -> None:
    """Restrict writes of this process and its children to `scratch` and to devices."""
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
        sys.exit(f"Landlock could not restrict the function's writes: errno {ctypes.get_errno()}.")


def main(memory_mb: int, scratch: str, command: list[str]) -> None:
    parent = os.getppid()
    confine_writes(scratch)
    if memory_mb:
        limit = memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    else:
        # The emulator is killed with the stack, and its runtime ends without the emulator. The
        # runtime cannot use this signal: the kernel sends it when the parent's *thread* ends, and
        # a Go program may end a thread at any time.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The local stack stopped before its function started.")
    os.execv(command[0], command)  # noqa: S606 - no shell needed


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
