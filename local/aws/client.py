"""Start local stacks and connect to them. Importing this does not import moto."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config

from local.aws.errors import LocalStackError
from local.aws.proxies import exceptions

ROOT = Path(__file__).parents[2]
STACK_NAME = "route-switch-local"
STACK_FILE = "stack.json"
CLOUD_FILE = "cloud.json"
PROBLEMS = "problems.log"
"""A file in the state folder: what stacks that another process started wrote to standard error."""
DENIALS = "logs/denials.log"
"""A file in the state folder: one line per request that a role's policies denied."""
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
SLOWEST_INVOCATION_S = 910
CONFIG = Config(
    read_timeout=SLOWEST_INVOCATION_S,
    retries={"total_max_attempts": 1},
    proxies={},  # not even those of the environment: the stack is on this machine
)


@dataclass(frozen=True)
class StackInfo:
    """Addresses, keys and names of a running stack: the content of stack.json."""

    endpoint: str
    api_key: str
    admin_key: str
    aws_endpoint: str
    region: str
    prompt_parameter: str
    results_table: str
    state_machine: str = ""
    """This and the next two are empty if the template has no learning workflow."""
    learning_bucket: str = ""
    runs_topic: str = ""


@dataclass(frozen=True)
class CloudInfo:
    """Addresses of a cloud that was started empty: the content of cloud.json."""

    endpoint: str
    """The API's address, once a stack is deployed."""
    aws_endpoint: str
    region: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point the CDK command line and AWS SDKs to this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.aws_endpoint,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "CDK_DOCKER": str(Path(__file__).with_name("docker")),
            **exceptions(os.environ),
        }


Info = TypeVar("Info", StackInfo, CloudInfo)


def read_stack_file(state: Path) -> StackInfo | None:
    """Return the stack that runs in this state folder; None if none does.

    A killed stack leaves its file behind, so the address is tried.
    """
    return read_info(state / STACK_FILE, StackInfo)


def read_info(file: Path, kind: type[Info]) -> Info | None:
    try:
        info = kind(**json.loads(file.read_text()))
        host, port = info.endpoint.removeprefix("http://").split(":")
        socket.create_connection((host, int(port))).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    return info


@contextmanager
def running_stack(
    cdk_out: Path, state: Path, environment: Mapping[str, str] | None = None
) -> Iterator[StackInfo]:
    """Run a stack in its own process for the length of the block.

    `environment` is added to this process's environment.
    """
    if read_stack_file(state) is not None:
        raise LocalStackError(f"A local stack is already running in {state}. Use another folder.")
    arguments = ["--assembly", str(cdk_out.resolve())]
    said = bytes_of(state / PROBLEMS)
    with running_process(arguments, state, environment) as process:
        yield wait_until_up(process, state / STACK_FILE, StackInfo, said)


@contextmanager
def running_cloud(state: Path, environment: Mapping[str, str] | None = None) -> Iterator[CloudInfo]:
    """Run a cloud without a stack in its own process for the length of the block."""
    said = bytes_of(state / PROBLEMS)
    with running_process(["--empty"], state, environment) as process:
        yield wait_until_up(process, state / CLOUD_FILE, CloudInfo, said)


@contextmanager
def running_process(
    arguments: Sequence[str], state: Path, environment: Mapping[str, str] | None
) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "local.aws", "up", "--attached"]
    state.mkdir(parents=True, exist_ok=True)
    with (state / PROBLEMS).open("a") as problems:  # keep what earlier stacks wrote
        process = subprocess.Popen(  # noqa: S603 - fixed command
            [*command, "--state", str(state.resolve()), *arguments],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stderr=problems,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=STOP_TIMEOUT_S)  # closing its input ends it
        process.kill()


def bytes_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def wait_until_up(
    process: "subprocess.Popen[bytes]", file: Path, kind: type[Info], said: int
) -> Info:
    """Wait for the stack's file. `said` is the size of its problems.log before it started."""
    problems = file.with_name(PROBLEMS)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            reason = problems.read_bytes()[said:].decode(errors="replace").strip()
            raise LocalStackError(reason or f"The local stack stopped. See {problems}.")
        if (info := read_info(file, kind)) is not None:
            return info
        time.sleep(0.02)
    raise LocalStackError(
        f"The local stack did not start within {START_TIMEOUT_S:.0f} s. See {problems} and "
        f"{file.with_name('logs')}/."
    )


def aws_client(service: str, endpoint: str, region: str) -> Any:  # boto3 generates clients
    """Return a client for a local stack's AWS. Its timeout exceeds the slowest function's."""
    return session(region).client(service, endpoint_url=endpoint, config=CONFIG)


def client_in_role(service: str, endpoint: str, region: str, role_arn: str) -> Any:
    """Return a client with the role's permissions."""
    given = aws_client("sts", endpoint, region).assume_role(
        RoleArn=role_arn, RoleSessionName="local"
    )
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    access_key, secret, token = (given["Credentials"][name] for name in names)
    return session(region).client(
        service,
        endpoint_url=endpoint,
        config=CONFIG,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


@lru_cache
def session(region: str) -> boto3.Session:
    """Return one session for all clients, because creating one is slow."""
    return boto3.Session("local", "local", region_name=region)


def read_descriptions_once() -> None:
    """Make all sessions of this process, including moto's, share one loader of service models.

    The models are megabytes of JSON, which each session would otherwise read again.
    """
    botocore.session.create_loader = lru_cache(botocore.session.create_loader)
