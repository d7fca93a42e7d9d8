"""Real clients of the Responses API against the deployed template: what a user of each sees.

`tests/clients/responses*` drive them: OpenAI's clients, LangChain, and the AI SDK with its default
settings.
"""

from collections.abc import Iterator

import pytest
from pydantic import JsonValue

from tests.e2e.conftest import ServedStack
from tests.support.clients import LINES, Driven, drive
from tests.support.response_clients import ResponsesAnswered, responses_node, responses_python

SAID: JsonValue = {"text": "Because.", "tokens": [11, 7]}
CALLS: JsonValue = [["weather", {"city": "Bern"}], ["weather", {"city": "Oslo"}]]
THOUGHT: JsonValue = {"reasoning": "The Moon pulls.", "text": "Because."}
PATCHED: JsonValue = [["apply_patch", "*** Begin Patch"]]
EXPECTED: dict[str, JsonValue] = {
    "text": SAID,
    "stream": SAID,
    "pace": True,
    "tools": CALLS,
    "tools_streamed": CALLS,
    "loop": "Because.",
    "loop_streamed": "Because.",
    "custom": PATCHED,
    "custom_streamed": PATCHED,
    "structured": {"height_m": 2.5},
    "reasoning": THOUGHT,
    "reasoning_streamed": THOUGHT,
    "lines": LINES,
    "turns": SAID,
    "completion": "Because.",
    "completion_streamed": "Because.",
}
OPENAI, AI_SDK, LANGCHAIN = {"openai", "openai-node"}, {"ai-sdk"}, {"langchain"}
CLIENTS = sorted(OPENAI | AI_SDK | LANGCHAIN)
LANGCHAINS = {"text", "stream", "tools", "tools_streamed", "loop", "structured", "lines"}
HAS_NONE = {
    **dict.fromkeys(("loop_streamed", "turns", "turns_stored"), OPENAI),
    **dict.fromkeys(("custom", "custom_streamed", "completion", "completion_streamed"), AI_SDK),
    **dict.fromkeys(("stored", "earlier", "retrieved"), AI_SDK),
}
"""Clients for which a case is not written, beside LangChain."""


def is_driven(client: str, case: str) -> bool:
    if client in LANGCHAIN:
        return case in LANGCHAINS
    return client not in HAS_NONE.get(case, ())


TWO_CALLS = {"loop", "loop_streamed", "turns"}
REFUSED = ("BadRequestError", 400, "unsupported_parameter")
ERRORS: dict[str, tuple[str, int, str]] = {
    "overflow": ("BadRequestError", 400, "context_length_exceeded"),
    "limited": ("RateLimitError", 429, "upstream_rate_limited"),
    "wrong_key": ("AuthenticationError", 401, "invalid_api_key"),
    "stored": REFUSED,
    "earlier": REFUSED,
    "retrieved": ("NotFoundError", 404, "not_stored"),
    "turns_stored": REFUSED,
}
CALLS_OF_TIERS = {"overflow": 1, "limited": 3, "turns_stored": 1}
"""Calls of tiers for an error. A client repeats twice when the provider asks for it."""


@pytest.fixture(scope="module")
def driven(scripted: ServedStack) -> Iterator[Driven]:
    before, script = scripted.upstream.script, ResponsesAnswered()
    scripted.upstream.script = script
    yield drive(scripted.stack, script, [responses_node(), responses_python()])
    scripted.upstream.script = before


@pytest.mark.parametrize("case", EXPECTED)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_reads_the_response(driven: Driven, client: str, case: str) -> None:
    if not is_driven(client, case):
        assert case not in driven.report[client]
        return
    assert driven.report[client][case] == EXPECTED[case]
    assert driven.calls[client, case] == (2 if case in TWO_CALLS else 1)


@pytest.mark.parametrize("case", ERRORS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_raises_the_right_error(driven: Driven, client: str, case: str) -> None:
    if not is_driven(client, case):
        assert case not in driven.report[client]
        return
    name, status, code = ERRORS[case]
    name = "APICallError" if client in AI_SDK else name
    assert driven.report[client][case] == {"error": name, "status": status, "code": code}
    assert driven.calls[client, case] == CALLS_OF_TIERS.get(case, 0)
