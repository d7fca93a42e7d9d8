"""The console in Chromium, on one local stack for all tests of this folder."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import deployed
from tests.support.console_world import ConsoleModels, ConsoleWorld, console_stage
from tests.support.consoles import Consoles, end_with_folder, watched_consoles
from tests.support.upstream import running_upstream
from tests.support.weekly import Weekly, subscribed


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with running_upstream(ConsoleModels()) as upstream:
        environment = {
            "ROUTE_SWITCH_PROFILE": "openai",
            "OPENAI_BASE_URL": upstream.url,
            "OPENAI_API_KEY": "sk-of-the-test",
            "CDK_CONTEXT_JSON": json.dumps(console_stage(upstream.url)),
        }
        folder = tmp_path_factory.mktemp("console")
        with deployed(folder, environment) as stack:
            yield ConsoleWorld(Weekly(stack, upstream, subscribed(stack), folder))


@pytest.fixture(scope="session")
def started_run(world: ConsoleWorld) -> str:
    """A run, which goes on while other tests run. None of them may change switches or the prompt:
    files that do come before the first that uses this, or after the last."""
    return world.start_run()


@pytest.fixture
def consoles(request: pytest.FixtureRequest, world: ConsoleWorld) -> Iterator[Consoles]:
    with watched_consoles(request, world.stack.endpoint) as made:
        yield made


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    end_with_folder(item, nextitem)
