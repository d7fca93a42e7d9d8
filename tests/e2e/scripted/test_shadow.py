"""Shadow on the deployed template: a stage that starts in it, and the way out."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.aws.client import aws_client
from route_switch.cli.main import app
from route_switch.cli.stage import STACK_FILE, find_deployed
from tests.e2e.conftest import ServedStack, switch_routing
from tests.e2e.scripted.test_scripted import (
    LARGE,
    LONG,
    ROUTER,
    SMALL,
    ask,
    by_model,
    stored_record,
)
from tests.support.processes import kill_function
from tests.support.upstream import Body, Reply, completion

DECIDING_S = 2.0
"""How long an answer takes: the router LLM decides meanwhile, also on a busy machine."""


@pytest.fixture
def router_function(
    scripted: ServedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Yield its name, in a folder where the command finds the stack. Leave routing on."""
    (tmp_path / STACK_FILE).parent.mkdir()
    (tmp_path / STACK_FILE).write_text(json.dumps(vars(scripted.stack)))
    monkeypatch.chdir(tmp_path)
    name = find_deployed(None).outputs["RouterFunction"]
    yield name
    switch_routing(scripted.stack, "on")
    kill_function(scripted.stack, name)


def route_switch(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.exception
    return done.stdout


def slow_large(body: Body) -> Reply:
    if body["model"] == ROUTER:
        return completion("1", 1000, 1)
    ready = threading.Event()
    threading.Timer(DECIDING_S, ready.set).start()
    return Reply(completion("Because.", 40, 90).body, wait_for=ready)


def test_the_first_deployment_put_a_stage_that_starts_in_shadow_there(
    scripted: ServedStack,
) -> None:
    name = scripted.stack.prompt_parameter.replace("/prompt/live", "/switches")
    ssm = aws_client("ssm", scripted.stack.aws_endpoint, scripted.stack.region)
    first = ssm.get_parameter(Name=f"{name}:1")["Parameter"]["Value"]
    assert json.loads(first) == {"pin_tier": None, "router": "shadow", "learning": "on"}


def test_in_shadow_tier_3_answers_and_after_it_the_routers_choice_does(
    scripted: ServedStack, router_function: str
) -> None:
    route_switch("switch", "routing", "shadow")
    kill_function(scripted.stack, router_function)  # it has read the switch before
    scripted.upstream.script = slow_large
    headers, text = ask(scripted, LONG)
    assert (headers["x-route-tier"], headers["x-route-reason"]) == ("3", "shadow")
    assert text == "Because."
    record = stored_record(scripted.stack, headers["x-request-id"])
    assert (record["shadow_tier"], record["shadow_reason"]) == (1, "router")
    told = json.loads(route_switch("savings", "--json"))
    assert told["routing"] == "shadow"
    assert told["shadow"]["decided"] >= 1
    assert told["shadow"]["would_save_estimated_usd"] > 0
    assert "Routing is in shadow: Tier 3 answers." in route_switch("savings")

    route_switch("switch", "routing", "on")
    kill_function(scripted.stack, router_function)
    scripted.upstream.script = by_model({ROUTER: completion("1"), SMALL: completion("Hi.")})
    headers, _ = ask(scripted, LONG)
    assert (headers["x-route-tier"], headers["x-route-reason"]) == ("1", "router")
    assert LARGE not in scripted.upstream.models_called()[-2:]
