"""One execution environment of a function: AWS's runtime interface emulator with the handler."""

import contextlib
import http.client
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import randint
from socket import socket
from typing import Self

from local.aws.errors import LocalStackError
from local.aws.logs import see
from local.aws.streaming import ResponseStream, RuntimeApi

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / ".build" / "emulator"
CACHE = ROOT / ".build" / "local"
"""Files shared by all local stacks. Their names contain hashes of their content."""
SANDBOX = Path(__file__).with_name("sandbox.py")
BASE_PYTHON = Path(sys.executable).resolve()
"""The interpreter of the virtual environment. With `-S` it has no site-packages."""
RUNTIME_PARTS = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client*.so")
RIE_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
INVOCATION_PATH = "/2015-03-31/functions/function/invocations"
START_TIMEOUT_S = 30.0
RUNTIME_ERROR_KEYS = {"errorMessage", "errorType", "requestId", "stackTrace"}


class BrokenEmulatorError(LocalStackError):
    """The emulator ended during an invocation."""


class Runtime:
    """The emulator's child process, which runs the handler.

    It is held by a descriptor, because the system may give its id to another process.
    """

    def __init__(self, pid: int) -> None:
        """Raise `ProcessLookupError` if there is no such process."""
        self._descriptor = os.pidfd_open(pid)
        self._ended = select.poll()
        self._ended.register(self._descriptor, select.POLLIN)

    def is_alive(self) -> bool:
        return not self._ended.poll(0)

    def kill(self) -> None:
        """End it, and release the descriptor."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        os.close(self._descriptor)


def find_runtime(emulator: int) -> Runtime | None:
    """Return the process that this emulator started; None if there is none."""
    # Each thread of the emulator lists the processes that it started itself.
    for thread in Path(f"/proc/{emulator}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in thread.read_text().split():
                return Runtime(int(child))
    return None


@dataclass(frozen=True)
class Answer:
    """The result of an invocation. `failed` means a function error, as Lambda defines it."""

    payload: bytes
    failed: bool = False

    @classmethod
    def error(cls, type_: str, message: str) -> Self:
        """Return the answer that Lambda gives if the function cannot answer itself."""
        return cls(json.dumps({"errorType": type_, "errorMessage": message}).encode(), failed=True)


@dataclass(frozen=True)
class Sandbox:
    """The files that an environment uses."""

    code: Path
    path: tuple[Path, ...]
    """Folders in `sys.path` between the code and the standard library."""
    log: Path
    scratch: Path
    """The environment's own temporary folder, and the only one that it can write to."""


def find_emulator() -> Path:
    """Return the emulator's binary for this machine."""
    if sys.platform != "linux":
        raise LocalStackError(
            "The local stack needs Linux: AWS's runtime interface emulator is a Linux program. "
            f"This is {platform.system()}; use a Linux machine, a virtual machine or WSL."
        )
    architecture = RIE_ARCHITECTURES.get(platform.machine(), "none")
    binary = EMULATOR / "samcli/local/rapid" / f"aws-lambda-rie-{architecture}"
    if not binary.exists():
        raise LocalStackError(f"{binary} is missing. Run: make install")
    return binary


def runtime_folder(cache: Path) -> Path:
    """Return a folder that contains only Lambda's runtime client for Python."""
    folder = cache / "runtime"
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in RUNTIME_PARTS:
        for part in EMULATOR.glob(pattern):
            with contextlib.suppress(FileExistsError):
                (folder / part.name).symlink_to(part.resolve())
    return folder


class Emulator:
    """A running emulator. It serves one invocation at a time."""

    def __init__(
        self,
        handler: str,
        environment: Mapping[str, str],
        memory_mb: int,
        sandbox: Sandbox,
        popen: Callable[..., "subprocess.Popen[bytes]"],
    ) -> None:
        self._scratch = sandbox.scratch
        self._log = sandbox.log
        self._address = loopback_address()
        self._port, emulator_api_port = free_ports(self._address)
        self._api = RuntimeApi(self._address, emulator_api_port)
        self._runtime: Runtime | None = None
        self._invoked = self._stopped = False
        self._stopping = threading.Lock()
        runtime_api = f"AWS_LAMBDA_RUNTIME_API={self._address}:{self._api.port}"
        limited = [str(BASE_PYTHON), "-I", "-S", str(SANDBOX)]
        command = [
            *(*limited, "0", str(self._scratch)),
            *(str(find_emulator()), "--log-level", "error"),
            *("--runtime-interface-emulator-address", f"{self._address}:{self._port}"),
            *("--runtime-api-address", f"{self._address}:{emulator_api_port}"),
            *(*limited, str(memory_mb), str(self._scratch)),
            *("/usr/bin/env", runtime_api),  # the emulator has set its own
            *(str(BASE_PYTHON), "-S", "-m", "awslambdaric", handler),
        ]
        python_path = os.pathsep.join(map(str, sandbox.path))
        with sandbox.log.open("ab") as log:
            self._process = popen(
                command,
                cwd=sandbox.code,
                env={**environment, "PYTHONPATH": python_path, "TMPDIR": str(self._scratch)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._connection = self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        """Wait until the emulator listens. It imports the handler at the first event."""
        connection = http.client.HTTPConnection(self._address, self._port)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                connection.connect()
                return connection
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise LocalStackError(
                        f"The function's emulator did not start. {see(self._log)}"
                    ) from None
                time.sleep(0.002)

    def is_alive(self) -> bool:
        """Whether the next event would be served.

        The first invocation starts the runtime. If the runtime ends afterwards, the emulator only
        notices when the next event arrives, and answers that event with the old runtime's end.
        """
        if self._process.poll() is not None:
            return False
        return not self._invoked or (self._runtime is not None and self._runtime.is_alive())

    def invoke(self, event: bytes, stream: ResponseStream | None = None) -> Answer:
        """Run the handler. A timeout, a crash or an exception is a failed answer, as in Lambda.

        A streamed answer goes to `stream`; without one, its pieces are put together. Raises
        `BrokenEmulatorError` if the emulator itself ends.
        """
        self._api.stream = stream
        try:
            self._connection.request("POST", INVOCATION_PATH, event)
            response = self._connection.getresponse()
            payload = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise BrokenEmulatorError("The emulator ended during an invocation.") from error
        finally:
            if stream is not None:
                stream.end(whole=False)  # unless it has ended
        if not self._invoked:
            self._invoked, self._runtime = True, find_runtime(self._process.pid)
        if payload.startswith(b"Task timed out after "):
            self.stop()  # the emulator would kill the runtime a moment later
            return Answer.error("Sandbox.Timedout", payload.decode())
        return Answer(payload, failed=response.status != 200 or is_runtime_error(payload))

    def stop(self) -> None:
        """End the emulator and the runtime below it, even in the middle of an invocation."""
        with self._stopping:
            if not self._stopped:
                self._stopped = True
                self._end_processes()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _end_processes(self) -> None:
        runtime = self._runtime
        if runtime is None and self._process.poll() is None:  # in its first invocation
            runtime = find_runtime(self._process.pid)
        self._api.stop()
        self._process.kill()  # first, so that it does not report the runtime's end
        if runtime is not None:
            runtime.kill()
        self._process.wait()


def is_runtime_error(payload: bytes) -> bool:
    """Whether the payload reports an exception: the emulator drops the header that says so."""
    if not payload.startswith(b'{"errorMessage": '):
        return False
    return set(json.loads(payload)) == RUNTIME_ERROR_KEYS


def loopback_address() -> str:
    """Return one of some 16 million loopback addresses at random.

    On 127.0.0.1, an outgoing connection could take a port that was free a moment ago.
    """
    return f"127.{randint(1, 254)}.{randint(0, 255)}.{randint(1, 254)}"  # noqa: S311 - not a secret


def free_ports(address: str) -> tuple[int, int]:
    """Return two ports that nothing uses, not even on all addresses of this machine.

    The ports of AWS's images (8080 and 9001) are often in use.
    """
    with socket() as one, socket() as another:
        for each in (one, another):
            each.bind((address, 0))
        return one.getsockname()[1], another.getsockname()[1]
