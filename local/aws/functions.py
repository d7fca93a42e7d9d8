"""Run Lambda functions in pools of execution environments, one pool per function version."""

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session

from local.aws.archives import Archive, unpack, unzipped_bytes
from local.aws.cloud import SERVICES
from local.aws.emulator import (
    CACHE,
    Answer,
    BrokenEmulatorError,
    Emulator,
    Sandbox,
    runtime_folder,
)
from local.aws.errors import LocalStackError
from local.aws.image import Image
from local.aws.moto_iam import assume
from local.aws.proxies import for_functions
from local.aws.streaming import ResponseStream

MAX_ENVIRONMENTS = 8
"""Concurrent environments per function version. Further invocations wait for a free one."""
KEPT_CONFIGURATIONS = 1
"""Previous configurations of a function that stay warm, because many are soon restored."""
MAX_REQUEST_BYTES = 6 * 1024 * 1024
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""Limit for a function together with its layers."""
API_IN_AWS = re.compile(r"https://[a-z0-9-]+\.execute-api\.[^/]+/[^/]+")
"""An API's address with its stage, which the address on this machine lacks."""
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class RequestTooLargeError(LocalStackError):
    """The event is over 6 MB."""


@dataclass(frozen=True)
class FunctionVersion:
    """Everything that the environments of a function depend on."""

    name: str
    version: str
    handler: str
    role: str
    """ARN of the execution role."""
    timeout_s: int
    memory_mb: int
    region: str
    variables: tuple[tuple[str, str], ...]
    code: Archive | Image
    layers: tuple[Archive, ...]


class Pool:
    """The environments of one function version."""

    def __init__(
        self, function: FunctionVersion, start: Callable[[FunctionVersion], Emulator]
    ) -> None:
        self.function = function
        self._start = start
        self._idle: list[Emulator] = []
        self._all: set[Emulator] = set()
        self._slots = threading.BoundedSemaphore(MAX_ENVIRONMENTS)
        self._lock = threading.Lock()
        self._retired = False

    @contextmanager
    def environment(self) -> Iterator[Emulator]:
        """Lend the most recently used idle environment, or a new one. Wait while all are busy."""
        with self._slots:
            emulator = self._take_idle() or self._add()
            try:
                yield emulator
            except BaseException:
                self._end(emulator)
                raise
            with self._lock:
                keep = not self._retired and emulator.is_alive()
                if keep:
                    self._idle.append(emulator)
            if not keep:
                self._end(emulator)

    def _take_idle(self) -> Emulator | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                emulator = self._idle.pop()
            if emulator.is_alive():
                return emulator
            self._end(emulator)

    def _add(self) -> Emulator:
        emulator = self._start(self.function)
        with self._lock:
            self._all.add(emulator)
        return emulator

    def _end(self, emulator: Emulator) -> None:
        with self._lock:
            self._all.discard(emulator)
        emulator.stop()

    def retire(self) -> None:
        """Stop idle environments now, and busy ones after their current invocation."""
        with self._lock:
            self._retired = True
            idle, self._idle = self._idle, []
        for emulator in idle:
            self._end(emulator)

    def stop(self) -> None:
        self.retire()
        for emulator in tuple(self._all):
            self._end(emulator)


def callers_credentials() -> dict[str, str]:
    """Return the credentials that the AWS CLI would use: environment, profile or SSO."""
    found = botocore.session.get_session().get_credentials()
    if found is None:
        raise LocalStackError(
            "PROFILE=bedrock calls Amazon Bedrock, but no AWS credentials were found. Set "
            "AWS_PROFILE or the AWS_* variables, or log in."
        )
    values = found.get_frozen_credentials()
    return {name: v for name, v in zip(CREDENTIALS, values, strict=False) if v is not None}


class Functions:
    """The functions of a local stack."""

    def __init__(self, endpoint: str, state: Path, model_credentials: bool) -> None:
        """`model_credentials` passes the caller's AWS credentials to functions, to call Bedrock."""
        self._endpoint = endpoint
        self._state = state
        self.api_endpoint = ""
        """Address of the deployed API on this machine, for functions that name it."""
        self._model_credentials = callers_credentials() if model_credentials else None
        self._pools: dict[FunctionVersion, Pool] = {}
        """Ordered by last use, most recent last."""
        self._lock = threading.Lock()
        # A child is killed when the thread that started it ends, so one thread starts them all.
        self._spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
        for folder in (CACHE, state / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)

    def invoke(
        self, function: FunctionVersion, event: bytes, stream: ResponseStream | None = None
    ) -> Answer:
        """Run the function. `stream` takes a streamed answer.

        Raise `RequestTooLargeError` if the event is over 6 MB, as Lambda does.
        An environment that ends during the invocation is a function error. The next event gets a
        new environment.
        """
        if len(event) > MAX_REQUEST_BYTES:
            raise RequestTooLargeError(
                f"Request must be smaller than {MAX_REQUEST_BYTES} bytes for the InvokeFunction "
                f"operation; this one has {len(event)}."
            )
        try:
            with self._pool(function).environment() as emulator:
                return emulator.invoke(event, stream)
        except BrokenEmulatorError:
            return Answer.error("Runtime.ExitError", "The execution environment ended.")

    def _pool(self, function: FunctionVersion) -> Pool:
        with self._lock:
            pool = self._pools.pop(function, None) or Pool(function, self._start)
            same = (other for other in self._pools if is_same_version(function, other))
            superseded = [self._pools.pop(other) for other in [*same][:-KEPT_CONFIGURATIONS]]
            self._pools[function] = pool
        for each in superseded:
            each.retire()
        return pool

    def _start(self, function: FunctionVersion) -> Emulator:
        code, opt = prepare(function)
        scratch = Path(tempfile.mkdtemp(dir=self._state / "tmp"))
        sandbox = Sandbox(
            code=code,
            path=(opt / "python", runtime_folder(CACHE)),
            log=self._state / "logs" / f"{function.name}.log",
            scratch=scratch,
        )
        environment = self._environment(function, sandbox)
        return Emulator(function.handler, environment, function.memory_mb, sandbox, self._popen)

    def _environment(self, function: FunctionVersion, sandbox: Sandbox) -> dict[str, str]:
        endpoints = {f"AWS_ENDPOINT_URL_{service}": self._endpoint for service in SERVICES}
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "HOME": "/home/sbx_user1051",  # does not exist, as in Lambda
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_s),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(sandbox.code),
            **endpoints,
            **for_functions(os.environ),
            **self._credentials(function),
            **{
                name: own_address(own_tmp(value, sandbox.scratch), self.api_endpoint)
                for name, value in function.variables
            },
        }

    def _credentials(self, function: FunctionVersion) -> dict[str, str]:
        """Return credentials for a new session of the function's role.

        With model credentials, the session's key goes into the SDK's application id: moto then
        finds the role in the User-Agent header.
        """
        session = assume(function.role, function.name)
        if self._model_credentials is None:
            return session
        return {**self._model_credentials, "AWS_SDK_UA_APP_ID": session["AWS_ACCESS_KEY_ID"]}

    def _popen(self, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        try:
            started = self._spawner.submit(lambda: subprocess.Popen(command, **options))  # noqa: S603 - fixed command
        except RuntimeError as error:
            raise LocalStackError("The local stack is stopping.") from error
        return started.result()

    def stop(self) -> None:
        """Stop every environment."""
        with self._lock:
            pools = tuple(self._pools.values())
        for pool in pools:
            pool.stop()
        self._spawner.shutdown()


def is_same_version(one: FunctionVersion, other: FunctionVersion) -> bool:
    """Whether both are the same version of the same function, in any configuration."""
    return (one.name, one.version) == (other.name, other.version)


def prepare(function: FunctionVersion) -> tuple[Path, Path]:
    """Return the folder of the function's code, and a folder with its packages in `python/`."""
    if isinstance(function.code, Image):
        return function.code.root, function.code.packages()
    archives = (function.code, *function.layers)
    if (size := unzipped_bytes(archives)) > MAX_UNZIPPED_BYTES:
        raise LocalStackError(
            f"{function.name} and its layers have {size:,} bytes unzipped; Lambda's limit is "
            f"{MAX_UNZIPPED_BYTES:,}. Make a layer smaller."
        )
    return unpack([function.code], CACHE), unpack(function.layers, CACHE)


def own_address(value: str, endpoint: str) -> str:
    """Replace the API's address in AWS with the one on this machine."""
    return API_IN_AWS.sub(endpoint, value) if endpoint else value


def own_tmp(value: str, scratch: Path) -> str:
    """Move a path in /tmp to the environment's own folder: here, all environments share /tmp."""
    return f"{scratch}{value.removeprefix('/tmp')}" if value.startswith("/tmp/") else value  # noqa: S108 (rewritten)
