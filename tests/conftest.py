"""Setup for all kinds of tests."""

import os
from functools import lru_cache

import botocore.loaders
import pytest

os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "RouteSwitch/test"

# Each test creates its own clients. Most of the time goes into reading the descriptions of AWS:
# megabytes of JSON that are the same for all clients.
botocore.loaders.create_loader = lru_cache(botocore.loaders.create_loader)

STACKS = ("weekly", "scripted", "offline", "assembly")
"""Fixtures of local stacks that serve the tests of several files; starting one takes seconds."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run all tests of a stack, and otherwise all tests of a file.

    The weekly stack has the most to do, so it begins.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    items.sort(key=lambda item: group_of(item) != STACKS[0])


def group_of(item: pytest.Item) -> str:
    used = getattr(item, "fixturenames", ())
    return next((stack for stack in STACKS if stack in used), item.nodeid.partition("::")[0])
