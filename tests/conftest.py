"""Setup for all kinds of tests."""

import gc
import os
from functools import lru_cache
from pathlib import PurePath

import botocore.loaders
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "RouteSwitch/test"

# Each test creates its own clients. Most of the time goes into reading the descriptions of AWS:
# megabytes of JSON that are the same for all clients.
botocore.loaders.create_loader = lru_cache(botocore.loaders.create_loader)


class OneWorkerForAStack(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """Gives each worker a file at a time, or a folder whose files share a local stack.

    Deploying a stack takes seconds.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.partition("::")[0])
        shares = file.parent.parent.name == "e2e"
        return str(file.parent if shares else file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneWorkerForAStack:
    config.option.loadscopereorder = False  # the order is that of the tests
    return OneWorkerForAStack(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folder that takes longest."""
    items.sort(key=lambda item: item.path.parent.name != "weekly")


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of each later garbage collection: thousands of tests
    and the models of AWS's services make one take seconds."""
    gc.collect()
    gc.freeze()
