"""The console in Chromium on made-up answers, which need no stack."""

from collections.abc import Iterator

import pytest

from tests.support.console_site import running_site
from tests.support.consoles import Consoles, end_with_folder, watched_consoles


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    with running_site() as address:
        yield address


@pytest.fixture
def consoles(request: pytest.FixtureRequest, site: str) -> Iterator[Consoles]:
    with watched_consoles(request, site) as made:
        yield made


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    end_with_folder(item, nextitem)
