"""The model's server ends with the process that started it, and its address is exclusive."""

import http.client
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws.client import ROOT, running_stack
from local.aws.emulator import loopback_address
from local.aws.errors import LocalStackError
from local.aws.llm import running_llm
from tests.llm.conftest import PORT, ServedStack
from tests.support.executions import wait_until

STARTER = """
import sys, time
from pathlib import Path
from local.aws.llm import running_llm
with running_llm((sys.argv[1], int(sys.argv[2])), Path(sys.argv[3])):
    print("ready", flush=True)
    time.sleep(60)
"""


def is_served(address: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", "/v1/models")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def test_the_model_is_served_only_inside_the_block(tmp_path: Path) -> None:
    address = (loopback_address(), PORT)
    (tmp_path / "logs").mkdir()
    with running_llm(address, tmp_path):
        assert is_served(address)
    assert not is_served(address)


def test_the_models_server_ends_with_a_killed_stack(tmp_path: Path) -> None:
    address = (loopback_address(), PORT)
    (tmp_path / "logs").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, address[0], str(PORT), str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert is_served(address)
    process.kill()
    process.communicate()
    wait_until(lambda: not is_served(address), seconds=5)


def test_a_second_stack_with_the_same_address_is_rejected(
    served: ServedStack, environment: dict[str, str], tmp_path: Path
) -> None:
    assembly = served.state.parent / "cdk.out"
    with (
        pytest.raises(
            LocalStackError, match=r"The model's address .* is in use\. Stop the process"
        ),
        running_stack(assembly, tmp_path / "state", environment),
    ):
        pass
