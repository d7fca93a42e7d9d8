"""The modules that a request loads. Every cold start pays for each of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.stage import ROUTER_MB
from tests.support.checkout import ROOT
from tests.support.events import chat_event
from tests.support.stand_ins import in_a_function, running_stand_ins

MAY_BE_IMPORTED = {
    "annotated_types",
    "anyio",
    "aws_lambda_powertools",
    "botocore",
    "certifi",
    "dateutil",
    "functions",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "jmespath",
    "pydantic",
    "pydantic_core",
    "route_switch",
    "six",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
}

MODULES = Path(__file__).with_name("router_modules.txt")
"""Every module of the product that a request loads. Add a line only for what a request needs."""

PROBE = """
import json, sys
from functions.router.handler import lambda_handler
for event in json.load(sys.stdin):
    answer = lambda_handler(event, None)
    assert answer["statusCode"] == 200, answer
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Names of the modules that a process has loaded after two requests."""
    events = [chat_event("hello", "rs-x"), chat_event("Why is the sky blue at noon? " * 3, "rs-x")]
    with running_stand_ins() as environment:
        done = subprocess.run(
            in_a_function("-c", PROBE),
            env=environment,
            input=json.dumps(events),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_request_loads_only_listed_packages(loaded: set[str]) -> None:
    packages = {name.partition(".")[0] for name in loaded}
    surprises = packages - MAY_BE_IMPORTED - sys.stdlib_module_names
    assert {name for name in surprises if not name.startswith("_")} == set()


def test_a_request_loads_exactly_the_listed_modules(loaded: set[str]) -> None:
    modules = sorted(name for name in loaded if name.startswith("route_switch."))
    assert modules == MODULES.read_text("utf-8").split()


def test_a_request_loads_nothing_of_learning_or_operations(loaded: set[str]) -> None:
    rooms = {"learning", "operations", "prompts", "optimizer", "workflow", "cli", "dashboard"}
    assert [n for n in loaded if n.startswith("route_switch.") and rooms & {*n.split(".")}] == []


def test_the_largest_body_and_answer_fit_into_three_quarters_of_the_memory() -> None:
    with running_stand_ins() as environment:
        done = subprocess.run(
            in_a_function(str(ROOT / "tests/bench/share.py"), "peak"),
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    [peak_mb] = json.loads(done.stdout.splitlines()[-1])["peak_mb"]
    assert peak_mb <= 0.75 * ROUTER_MB
