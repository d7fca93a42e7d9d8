"""Every dialect of OpenAI's form and of Bedrock, seen by clients of the Responses API and of legacy
completions."""

from typing import Any

import pytest

from tests.conformance.conftest import QUERY, Client, Conformance, both_ways, every_dialect
from tests.conformance.dialect import Dialect, Seen, load
from tests.conformance.reading import strict_json
from tests.conformance.test_bedrock import CLIENT as BEDROCK
from tests.conformance.test_openai_compatible import CLIENT as OPENAI
from tests.integration.conftest import Answer
from tests.support.response_reading import read_response, read_response_stream

without_records = pytest.mark.usefixtures("without_records")
RECORDED = load(OPENAI.form, "openai-cached")

Json = Any  # answers, which are read at many places
COMMON = ("temperature", "top_p", "seed", "stop")
"""Fields of a dialect's request that all protocols have."""
STATUS = {"length": "incomplete", "content_filter": "incomplete"}


@without_records
@both_ways
@every_dialect(OPENAI.form)
def test_openai_dialect(conformance: Conformance, dialect: Dialect, stream: bool) -> None:
    check_response(conformance, OPENAI, dialect, stream=stream)


@without_records
@every_dialect(BEDROCK.form)
def test_bedrock_dialect(conformance: Conformance, dialect: Dialect) -> None:
    check_response(conformance, BEDROCK, dialect, stream=True)


@without_records
@every_dialect(OPENAI.form)
def test_openai_dialect_as_a_legacy_completion(conformance: Conformance, dialect: Dialect) -> None:
    answer = ask(conformance, OPENAI, dialect, "/v1/completions", prompt=QUERY, stream=True)
    seen = seen_by(dialect, stream=True)
    assert answer.status == seen.status, answer.text
    events = [e.removeprefix("data: ") for e in answer.text.split("\n\n") if e[:7] == "data: {"]
    bodies = [*map(strict_json, events if seen.status == 200 else [answer.text])]
    if seen.error is not None:
        check_error(bodies[-1], seen)
        return
    texts = [choice["text"] for body in bodies for choice in body["choices"] if not choice["index"]]
    assert "".join(texts) == said(seen)


@both_ways
@pytest.mark.parametrize(
    ("path", "field"), [("/v1/responses", "input"), ("/v1/completions", "prompt")]
)
def test_an_answer_in_these_protocols_is_recorded(
    conformance: Conformance, path: str, field: str, stream: bool
) -> None:
    fields = {field: QUERY, "stream": stream}
    answer = ask(conformance, OPENAI, RECORDED, path, **fields)
    assert answer.status == 200
    conformance.check_record(answer, RECORDED.seen, stream=stream)


def check_response(
    conformance: Conformance, client: Client, dialect: Dialect, *, stream: bool
) -> None:
    fields = {"input": QUERY, "stream": stream, "include": ["reasoning.encrypted_content"]}
    answer = ask(conformance, client, dialect, "/v1/responses", **fields)
    seen = seen_by(dialect, stream=stream)
    assert answer.status == seen.status, answer.text
    if seen.status != 200:
        check_error(answer.body, seen)
        return
    response = (read_response_stream if stream else read_response)(answer.text)
    if seen.error is not None:
        assert response["status"] == "failed"
        assert seen.error.message in response["error"]["message"]
        return
    parts = [p for item in response["output"] if item["type"] == "message" for p in item["content"]]
    assert "".join(part.get("text") or part.get("refusal", "") for part in parts) == said(seen)
    calls = [item["name"] for item in response["output"] if item["type"] == "function_call"]
    called = seen.choices[0]["message"].get("tool_calls") or ()
    assert len(calls) >= len(called)
    for name, call in zip(calls, called, strict=False):
        assert call.get("function", {}).get("name", name) == name
    reason = seen.choices[0].get("finish_reason")
    assert reason is None or response["status"] == STATUS.get(reason, "completed")


def ask(
    conformance: Conformance, client: Client, dialect: Dialect, path: str, **fields: Json
) -> Answer:
    conformance.prepare(client, dialect, events=bool(fields.get("stream")))
    common = {name: dialect.request[name] for name in COMMON if name in dialect.request}
    return conformance.api("POST", path, {**common, **fields})


def seen_by(dialect: Dialect, *, stream: bool) -> Seen:
    return dialect.streamed if stream and dialect.streamed else dialect.seen


def said(seen: Seen) -> str:
    message = seen.choices[0]["message"]
    return "".join(message.get(name) or "" for name in ("content", "refusal"))


def check_error(body: Json, seen: Seen) -> None:
    assert seen.error is not None
    assert body["error"]["type"] == seen.error.type
    assert seen.error.message in body["error"]["message"]
