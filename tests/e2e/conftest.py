"""The real template on the local stack, by profile. Each stack runs for the whole session."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from openai import OpenAI
from typer.testing import CliRunner, Result

from local.aws.client import StackInfo, aws_client, running_stack
from route_switch.adapters.ssm import SsmSwitchStore
from route_switch.cli.main import app
from route_switch.cli.stage import STACK_FILE
from route_switch.domain.switches import Routing, Switches
from tests.support.roles import denials
from tests.support.scripted_models import Models
from tests.support.stack_logs import recent_logs
from tests.support.upstream import Upstream, completion, running_upstream
from tests.support.weekly import Weekly, stage_of, subscribed

RouteSwitch = Callable[..., Result]
"""Runs `route-switch` with these arguments."""

ORIGIN = "https://chat.example"
"""Pages of it may call the API of the scripted stack."""
STALL_S = 3.0
"""After so much silence the scripted stack gives a streaming model up."""
TEMPORARY = pytest.StashKey[Path]()


@pytest.fixture(scope="session", autouse=True)
def _remember_folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    request.config.stash[TEMPORARY] = tmp_path_factory.getbasetemp()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the stack's logs to the report: they may be out of reach, for example in CI."""
    report = yield
    if report.failed and TEMPORARY in item.config.stash:
        report.sections.extend(recent_logs(item.config.stash[TEMPORARY], call.start))
    return report


@dataclass(frozen=True)
class ServedStack:
    """A stack, and the server that answers for its models."""

    stack: StackInfo
    upstream: Upstream
    logs: Path

    @property
    def openai(self) -> OpenAI:
        return client_of(self.stack)


def client_of(stack: StackInfo) -> OpenAI:
    return OpenAI(base_url=f"{stack.endpoint}/v1", api_key=stack.api_key, max_retries=0)


@contextmanager
def deployed(folder: Path, environment: dict[str, str]) -> Iterator[StackInfo]:
    """Synthesize the local stage with this environment and run it.

    Afterwards, assert that no request was denied: a function may tolerate a denial silently.
    """
    assembly = folder / "cdk.out"
    subprocess.run(
        [sys.executable, "-m", "infra.app", "--stage", "local", "--output", str(assembly)],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    with running_stack(assembly, folder / "state", environment) as stack:
        yield stack
    assert denials(folder / "state") == []


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    folder = tmp_path_factory.mktemp("offline, in a path with spaces")
    with deployed(folder, {"ROUTE_SWITCH_PROFILE": "offline"}) as stack:
        yield stack


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStack]:
    with scripted_stack(tmp_path_factory.mktemp("scripted")) as served:
        yield served


@contextmanager
def scripted_stack(folder: Path) -> Iterator[ServedStack]:
    """A stack whose models are served over HTTP by a server that each test scripts."""
    with running_upstream(lambda _: completion("2")) as upstream:
        environment = {
            "ROUTE_SWITCH_PROFILE": "openai",
            "OPENAI_BASE_URL": upstream.url,
            "OPENAI_API_KEY": "sk-of-the-test",
            "ROUTER_MODEL": "gpt-4o-mini",
            "TIER_1_MODEL": "gpt-4.1-nano",
            "TIER_2_MODEL": "gpt-4.1-mini",
            "TIER_3_MODEL": "gpt-4.1",
            "CDK_CONTEXT_JSON": json.dumps(scripted_context()),
        }
        with deployed(folder, environment) as stack:
            switch_routing(stack, "on")  # the first deployment set it to shadow
            yield ServedStack(stack, upstream, folder / "state/logs")


def scripted_context() -> dict[str, object]:
    """Return the context of cdk.json, with a local stage that starts as prod does, waits only
    `STALL_S` for silent models, and that pages of `ORIGIN` may call."""
    stages = json.loads(Path("cdk.json").read_text("utf-8"))["context"]["stages"]
    stages["local"]["router"] = {"start": "shadow", "stall_s": STALL_S}
    stages["local"]["cors_origins"] = [ORIGIN]
    return {"stages": stages}


def switch_routing(stack: StackInfo, state: Routing) -> None:
    """Change routing. Processes that have read the switch before keep it for a minute."""
    name = stack.prompt_parameter.replace("/prompt/live", "/switches")
    ssm = aws_client("ssm", stack.aws_endpoint, stack.region)
    SsmSwitchStore(ssm, name).write(Switches(routing=state))


@pytest.fixture(scope="session")
def _weekly_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weekly]:
    with running_upstream(Models()) as upstream:
        context = json.loads(Path("cdk.json").read_text("utf-8"))["context"]
        environment = {
            "ROUTE_SWITCH_PROFILE": "openai",
            "OPENAI_BASE_URL": upstream.url,
            "OPENAI_API_KEY": "sk-of-the-test",
            "CDK_CONTEXT_JSON": json.dumps(stage_of(upstream.url, context)),
        }
        folder = tmp_path_factory.mktemp("weekly, in a path with spaces")
        with deployed(folder, environment) as stack:
            yield Weekly(stack, upstream, subscribed(stack), folder)


@pytest.fixture
def weekly(_weekly_stack: Weekly) -> Weekly:
    _weekly_stack.reset()
    return _weekly_stack


@pytest.fixture
def models(weekly: Weekly) -> Models:
    """The models behind the stack. Their call counts start at zero in each test."""
    weekly.upstream.script = models = Models()
    return models


@pytest.fixture
def route_switch(weekly: Weekly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RouteSwitch:
    """The command, in a folder whose stack.json points to the weekly stack."""
    stack_file = tmp_path / STACK_FILE
    stack_file.parent.mkdir()
    stack_file.write_text(json.dumps(vars(weekly.stack)))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture(autouse=True)
def _forget_earlier_calls(request: pytest.FixtureRequest) -> None:
    if "scripted" in request.fixturenames:
        served: ServedStack = request.getfixturevalue("scripted")
        served.upstream.calls.clear()
        served.upstream.headers.clear()
