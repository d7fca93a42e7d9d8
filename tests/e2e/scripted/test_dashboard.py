"""The widget's function in the deployed template, invoked as CloudWatch does, in its role."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.aws.__main__ import find_function_name, function_word
from local.aws.client import StackInfo, aws_client
from route_switch.domain.operations.amounts import count, usd
from tests.e2e.conftest import ServedStack
from tests.support.upstream import completion

EVENTS = Path("events/dashboard")
LONG = "Explain step by step how the tides on Earth depend on the Moon and the Sun."


def shown(stack: StackInfo, event: str) -> str:
    file = EVENTS / f"{event}.json"
    text = file.read_text("utf-8")
    function = find_function_name(function_word(file, json.loads(text)), stack)
    answer = aws_client("lambda", stack.aws_endpoint, stack.region).invoke(
        FunctionName=function, Payload=text
    )
    assert "FunctionError" not in answer
    html: str = json.loads(answer["Payload"].read())
    return html


def costs(stack: StackInfo) -> dict[str, Any]:
    answer = httpx.get(
        f"{stack.endpoint}/v1/costs", headers={"authorization": f"Bearer {stack.admin_key}"}
    )
    total: dict[str, Any] = answer.json()["total"]
    return total


@pytest.fixture
def used(scripted: ServedStack) -> StackInfo:
    scripted.upstream.script = lambda _: completion("2", 1013, 57)
    for text in ("hello", LONG):
        scripted.openai.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": text}]
        )
    return scripted.stack


def test_the_widget_shows_the_figures_of_the_api(used: StackInfo) -> None:
    total, html = costs(used), shown(used, "spend")
    assert total["spent_usd"] > 0
    for figure in (
        usd(total["spent_usd"] + total["learning_usd"]),
        usd(total["baseline_estimated_usd"]),
        usd(total["saved_estimated_usd"]),
        count(total["requests"]),
    ):
        assert f">{figure}" in html
    assert LONG not in html


def test_keys_and_versions_are_read_with_the_functions_own_role(used: StackInfo) -> None:
    assert f">{usd(costs(used)['spent_usd'])}" in shown(used, "keys")
    assert ">1 (live)</td>" in shown(used, "prompts")
    assert shown(used, "describe").startswith("## Costs")
