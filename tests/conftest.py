"""Setup for all kinds of tests."""

import gc
import os
import sys
from collections.abc import Generator
from functools import lru_cache
from pathlib import PurePath

import botocore.loaders
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "RouteSwitch/test"

# Tests start hundreds of processes. Without bytecode, each one compiles what it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Each test creates its own clients. Most of the time goes into reading the descriptions of AWS:
# megabytes of JSON that are the same for all clients.
botocore.loaders.create_loader = lru_cache(botocore.loaders.create_loader)


WITHOUT_STACK = ("console_views",)
"""Folders of end-to-end tests that need none."""


class OneWorkerForAStack(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """Gives each worker a file at a time, or a folder whose files share a local stack.

    Deploying a stack takes seconds.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.partition("::")[0])
        shares = file.parent.parent.name == "e2e" and file.parent.name not in WITHOUT_STACK
        return str(file.parent if shares else file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneWorkerForAStack:
    config.option.loadscopereorder = False  # the order is that of the tests
    return OneWorkerForAStack(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folder that takes longest."""
    items.sort(key=lambda item: item.path.parent.name != "weekly")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile: ten thousand tests and the models of AWS's services leave
    little, and looking for it takes seconds. Keep them out of later collections, which come less
    often than by default: that saves a tenth of the processor time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        gc.enable()
