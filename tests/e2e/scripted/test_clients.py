"""Real clients against the deployed template: what a user of each sees, case by case.

`tests/clients` drives them. What only the openai package for Python can show is in
`test_openai_sdk.py`.
"""

from collections.abc import Iterator

import pytest
from pydantic import JsonValue

from tests.e2e.conftest import ServedStack
from tests.support.clients import LINES, CasesAnswered, Driven, drive, node, python

SAID: JsonValue = {"text": "Because.", "tokens": [11, 7]}
CALLS: JsonValue = [["weather", {"city": "Bern"}], ["weather", {"city": "Oslo"}]]
THOUGHT: JsonValue = {"reasoning": "The Moon pulls.", "text": "Because."}
EXPECTED: dict[str, JsonValue] = {
    "text": SAID,
    "stream": SAID,
    "pace": True,
    "tools": CALLS,
    "tools_streamed": CALLS,
    "structured": {"height_m": 2.5},
    "choices": ["alpha", "beta"],
    "choices_streamed": ["alpha", "beta"],
    "reasoning": THOUGHT,
    "lines": LINES,
}
CLIENTS = ("openai", "openai-node", "ai-sdk", "langchain-js", "langchain", "litellm")
HAS_NONE = {
    "choices": {"ai-sdk"},
    "choices_streamed": {"ai-sdk", "langchain-js", "langchain", "litellm"},
    "reasoning": {"langchain-js", "langchain"},
}
"""Clients without the feature: LangChain leaves reasoning out that is not in OpenAI's schema."""
TOO_LONG, LIMITED = "context_length_exceeded", "upstream_rate_limited"
ERRORS: dict[str, dict[str, tuple[str, int | None, str | None]]] = {
    "overflow": {
        "openai": ("BadRequestError", 400, TOO_LONG),
        "openai-node": ("BadRequestError", 400, TOO_LONG),
        "ai-sdk": ("APICallError", 400, TOO_LONG),
        "langchain-js": ("ContextOverflowError", None, None),
        "langchain": ("OpenAIContextOverflowError", 400, TOO_LONG),
        "litellm": ("ContextWindowExceededError", 400, None),
    },
    "wrong_key": {
        "openai": ("AuthenticationError", 401, "invalid_api_key"),
        "openai-node": ("AuthenticationError", 401, "invalid_api_key"),
        "ai-sdk": ("APICallError", 401, "invalid_api_key"),
        "langchain-js": ("AuthenticationError", 401, "invalid_api_key"),
        "langchain": ("OpenAIAuthenticationError", 401, "invalid_api_key"),
        "litellm": ("AuthenticationError", 401, None),
    },
    "limited": {
        "openai": ("RateLimitError", 429, LIMITED),
        "openai-node": ("RateLimitError", 429, LIMITED),
        "ai-sdk": ("APICallError", 429, LIMITED),
        "langchain-js": ("RateLimitError", 429, LIMITED),
        "langchain": ("OpenAIRateLimitError", 429, LIMITED),
        "litellm": ("RateLimitError", 429, "429"),
    },
}
ERRORS["limited_silent"] = ERRORS["limited"]
"""Class, status and code of the error that each client raises."""
CALLS_OF_TIERS = {"wrong_key": 0, "limited": 3, "limited_silent": 3}
"""Calls of tiers for one request, 1 in every other case. `limited` names a tier, and each client
repeats twice, when the provider asks for it. `limited_silent` may use all three tiers."""


@pytest.fixture(scope="module")
def driven(scripted: ServedStack) -> Iterator[Driven]:
    before, script = scripted.upstream.script, CasesAnswered()
    scripted.upstream.script = script
    yield drive(scripted.stack, script, [node(), python()])
    scripted.upstream.script = before


@pytest.mark.parametrize("case", EXPECTED)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_reads_the_answer(driven: Driven, client: str, case: str) -> None:
    if client in HAS_NONE.get(case, ()):
        assert case not in driven.report[client]
        return
    assert driven.report[client][case] == EXPECTED[case]
    assert driven.calls[client, case] == 1


@pytest.mark.parametrize("case", ERRORS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_raises_the_right_error(driven: Driven, client: str, case: str) -> None:
    name, status, code = ERRORS[case][client]
    assert driven.report[client][case] == {"error": name, "status": status, "code": code}


@pytest.mark.parametrize("case", ERRORS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_repeats_only_what_it_is_asked_to(driven: Driven, client: str, case: str) -> None:
    # The AI SDK repeats a rate limit regardless of what the response says; here, once.
    repeats = 2 if (client, case) == ("ai-sdk", "limited_silent") else 1
    assert driven.calls[client, case] == repeats * CALLS_OF_TIERS.get(case, 1)
