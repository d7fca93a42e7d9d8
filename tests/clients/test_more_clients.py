"""Clients that are too large for each run of the suite: `make test-clients`."""

from collections.abc import Iterator

import pytest
from pydantic import JsonValue

from tests.e2e.conftest import ServedStack
from tests.support.clients import LINES, CasesAnswered, Driven, drive, more_python

SAID: JsonValue = {"text": "Because.", "tokens": [11, 7]}
CALLS: JsonValue = [["weather", {"city": "Bern"}], ["weather", {"city": "Oslo"}]]
EXPECTED: dict[str, JsonValue] = {
    "text": SAID,
    "stream": SAID,
    "pace": True,
    "tools": CALLS,
    "tools_streamed": CALLS,
    "structured": {"height_m": 2.5},
    "lines": LINES,
}
READ = {
    "instructor": ("structured",),
    "llm": tuple(EXPECTED),
    "llama-index": ("text", "lines"),
    "pydantic-ai": ("text", "tools", "structured", "lines"),
}
TOO_LONG = "context_length_exceeded"
ERRORS: dict[str, dict[str, tuple[str, int | None, str | None]]] = {
    "overflow": {
        "instructor": ("InstructorRetryException", None, None),
        "llm": ("BadRequestError", 400, TOO_LONG),
        "llama-index": ("BadRequestError", 400, TOO_LONG),
        "pydantic-ai": ("ModelHTTPError", 400, None),
    },
    "wrong_key": {
        "instructor": ("InstructorRetryException", None, None),
        "llm": ("AuthenticationError", 401, "invalid_api_key"),
        "llama-index": ("AuthenticationError", 401, "invalid_api_key"),
        "pydantic-ai": ("ModelHTTPError", 401, None),
    },
}
"""Class, status and code of the error that each client raises."""


@pytest.fixture(scope="module")
def driven(scripted: ServedStack) -> Iterator[Driven]:
    scripted.upstream.script = script = CasesAnswered()
    yield drive(scripted.stack, script, [more_python()])


@pytest.mark.parametrize(("client", "case"), [(c, each) for c in READ for each in READ[c]])
def test_a_client_reads_the_answer(driven: Driven, client: str, case: str) -> None:
    assert driven.report[client][case] == EXPECTED[case]
    assert driven.calls[client, case] == 1


@pytest.mark.parametrize("case", ERRORS)
@pytest.mark.parametrize("client", READ)
def test_a_client_raises_the_right_error(driven: Driven, client: str, case: str) -> None:
    name, status, code = ERRORS[case][client]
    assert driven.report[client][case] == {"error": name, "status": status, "code": code}
    assert driven.calls[client, case] == (0 if case == "wrong_key" else 1)
