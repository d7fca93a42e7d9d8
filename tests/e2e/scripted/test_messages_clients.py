"""Real clients of Anthropic's Messages API against the deployed template: what a user of each sees.

`tests/clients/messages*` drive them: Anthropic's clients, and the AI SDK.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import JsonValue

from tests.e2e.conftest import ServedStack
from tests.support.clients import LINES, Driven, drive
from tests.support.messages_clients import MessagesAnswered, messages_node, messages_python

SAID: JsonValue = {"text": "Because.", "tokens": [11, 7]}
CALLS: JsonValue = [["weather", {"city": "Bern"}], ["weather", {"city": "Oslo"}]]
THOUGHT: JsonValue = {"reasoning": "The Moon pulls.", "text": "Because."}
EXPECTED: dict[str, JsonValue] = {
    "text": SAID,
    "stream": SAID,
    "pace": True,
    "tools": CALLS,
    "tools_streamed": CALLS,
    "loop": "Because.",
    "loop_streamed": "Because.",
    "structured": {"height_m": 2.5},
    "reasoning": THOUGHT,
    "reasoning_streamed": THOUGHT,
    "lines": LINES,
    "counted": True,
}
PYTHON, NODE, AI_SDK = "anthropic", "anthropic-node", "ai-sdk-anthropic"
HAS_NONE = {
    "loop_streamed": {PYTHON},
    "structured": {PYTHON, NODE},
    "counted": {AI_SDK},
    "limited_silent": {AI_SDK},
    "server_tool": {AI_SDK},
}
"""Clients for which a case is not written."""
CALLS_OF_CASES = {"loop": 2, "loop_streamed": 2, "counted": 0}
ERRORS: dict[str, tuple[str, int, str]] = {
    "overflow": ("BadRequestError", 400, "invalid_request_error"),
    "limited": ("RateLimitError", 429, "rate_limit_error"),
    "limited_silent": ("RateLimitError", 429, "rate_limit_error"),
    "unknown": ("NotFoundError", 404, "not_found_error"),
    "server_tool": ("BadRequestError", 400, "invalid_request_error"),
    "wrong_key": ("AuthenticationError", 401, "authentication_error"),
}
CALLS_OF_TIERS = {"overflow": 1, "limited": 3, "limited_silent": 3}
"""Calls of tiers for an error. A client repeats twice when the provider asks for it."""


@pytest.fixture(scope="module")
def driven(scripted: ServedStack) -> Iterator[Driven]:
    before, script = scripted.upstream.script, MessagesAnswered()
    scripted.upstream.script = script
    yield drive(scripted.stack, script, [messages_node(), messages_python()])
    scripted.upstream.script = before


@pytest.mark.parametrize("case", EXPECTED)
@pytest.mark.parametrize("client", (PYTHON, NODE, AI_SDK))
def test_a_client_reads_the_message(driven: Driven, client: str, case: str) -> None:
    if client in HAS_NONE.get(case, ()):
        assert case not in driven.report[client]
        return
    assert driven.report[client][case] == EXPECTED[case]
    assert driven.calls[client, case] == CALLS_OF_CASES.get(case, 1)


@pytest.mark.parametrize("case", ERRORS)
@pytest.mark.parametrize("client", (PYTHON, NODE, AI_SDK))
def test_a_client_raises_the_right_error(driven: Driven, client: str, case: str) -> None:
    if client in HAS_NONE.get(case, ()):
        assert case not in driven.report[client]
        return
    name, status, kind = ERRORS[case]
    name = "APICallError" if client == AI_SDK else name
    found: Any = driven.report[client][case]
    assert {"error": name, "status": status}.items() <= found.items()
    assert found.get("type", kind) == kind
    assert driven.calls[client, case] == CALLS_OF_TIERS.get(case, 0)
