"""Dialects through LiteLLM: those of OpenAI's form, which it only forwards, and others, which it
translates."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import JsonValue

from route_switch.adapters.models.litellm_client import JSON_TOOL, LiteLlmClient, imported_litellm
from route_switch.domain.completion import complete
from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.domain.ports import ModelCall
from route_switch.domain.usage import Usage
from tests.conformance.conftest import QUERY, Client, Conformance, both_ways, every_dialect
from tests.conformance.dialect import Dialect, load
from tests.conformance.test_messages_protocol import check
from tests.conformance.test_openai_protocols import check_response
from tests.integration.messages_client import ask
from tests.support.raw_server import SLOW, Serve, raw_server
from tests.support.upstream import Reply, completion, failure, running_upstream

FORWARDED = Client("hosted_vllm", "openai", completion("2").body, "HOSTED_VLLM_API_BASE")
ANTHROPIC = Client(
    "anthropic",
    "anthropic",
    {
        "id": "x",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "2"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 11, "output_tokens": 7},
    },
    "ANTHROPIC_API_BASE",
)
GEMINI = Client(
    "gemini",
    "gemini",
    {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "2"}]}}],
        "usageMetadata": {
            "promptTokenCount": 11,
            "candidatesTokenCount": 7,
            "totalTokenCount": 18,
        },
    },
    "GEMINI_API_BASE",
)


# LiteLLM warns of answers that its own types do not describe.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")


@pytest.fixture(scope="module", autouse=True)
def _litellm() -> None:
    """Import it and let it import what its first call needs: seconds, not in a request's time."""
    imported_litellm()
    with (
        running_upstream(lambda _: completion("Hello")) as upstream,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("HOSTED_VLLM_API_BASE", upstream.url)
        call = ModelCall("m", ({"role": "user", "content": "hi"},))
        complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(call))


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "sk-test")


@both_ways
@every_dialect(FORWARDED.form)
def test_forwarded_dialect(conformance: Conformance, dialect: Dialect, stream: bool) -> None:
    conformance.check(FORWARDED, dialect, stream=stream, events=stream)


@both_ways
@every_dialect(ANTHROPIC.form)
def test_anthropic_dialect(conformance: Conformance, dialect: Dialect, stream: bool) -> None:
    conformance.check(ANTHROPIC, dialect, stream=stream, events=stream)


@pytest.mark.usefixtures("without_records")
@every_dialect(ANTHROPIC.form)
def test_anthropic_dialect_in_its_own_protocol(conformance: Conformance, dialect: Dialect) -> None:
    check(conformance, ANTHROPIC, dialect)


def test_an_answer_in_anthropics_own_protocol_is_recorded(conformance: Conformance) -> None:
    dialect = load(ANTHROPIC.form, "text")
    conformance.prepare(ANTHROPIC, dialect, events=False)
    answer = ask(conformance.api, QUERY)
    conformance.check_record(answer, dialect.seen, stream=False)


@pytest.mark.usefixtures("without_records")
@every_dialect(ANTHROPIC.form)
def test_anthropic_dialect_as_a_response(conformance: Conformance, dialect: Dialect) -> None:
    check_response(conformance, ANTHROPIC, dialect, stream=True)


@both_ways
@every_dialect(GEMINI.form)
def test_gemini_dialect(conformance: Conformance, dialect: Dialect, stream: bool) -> None:
    conformance.check(GEMINI, dialect, stream=stream)


@pytest.mark.usefixtures("without_records")
@every_dialect(GEMINI.form)
def test_gemini_dialect_as_a_response(conformance: Conformance, dialect: Dialect) -> None:
    check_response(conformance, GEMINI, dialect, stream=False)


@pytest.fixture
def call_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModelCall]:
    """Make a call of the server at an address. LiteLLM reads the address on each call."""

    def call(url: str) -> ModelCall:
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", url)
        params: dict[str, JsonValue] = {"temperature": 0, "max_tokens": 3}
        return ModelCall("some-model", ({"role": "user", "content": "hi"},), params, 5)

    return call


def test_an_answer_is_returned_with_its_tokens(call_of: Callable[[str], ModelCall]) -> None:
    with running_upstream(lambda _: completion("Hello", 13, 2)) as upstream:
        call = call_of(upstream.url)
        answer = complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(call))
    assert answer.text == "Hello"
    assert answer.usage == Usage(13, 2)
    [body] = upstream.calls
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("some-model", 3, 0)


@pytest.mark.parametrize(("status", "kind"), [(400, InvalidModelRequestError), (500, ModelError)])
def test_errors_are_translated_and_nothing_is_retried(
    call_of: Callable[[str], ModelCall], status: int, kind: type[ModelError]
) -> None:
    with (
        running_upstream(lambda _: failure(status)) as upstream,
        pytest.raises(ModelError) as caught,
    ):
        call = call_of(upstream.url)
        complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(call))
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("name", ["api_base", "api_key", "custom_llm_provider", "mock_response"])
def test_a_request_cannot_change_litellms_settings(name: str) -> None:
    request = ModelCall("some-model", ({"role": "user", "content": "hi"},), {name: "x"}, 5)
    with pytest.raises(InvalidModelRequestError, match=name):
        complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(request))


@pytest.mark.parametrize("serve", SLOW, ids=lambda serve: serve.__name__)
def test_a_call_ends_at_its_deadline(call_of: Callable[[str], ModelCall], serve: Serve) -> None:
    with raw_server(serve) as server:
        call = replace(call_of(server.url), timeout_s=0.3)
        started = time.monotonic()
        with pytest.raises(ModelTimeoutError):
            complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(call))
        assert time.monotonic() - started < 3, "the server would go on for minutes"
        assert server.requests == [1]


@pytest.mark.parametrize("status", [429, 500])
def test_openais_sdk_inside_litellm_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """It ignores LiteLLM's setting for some providers, and would sleep for as long as the provider
    says."""
    failing = Reply({"error": {"message": "No."}}, status, headers={"retry-after": "37"})
    with (
        running_upstream(lambda _: failing) as upstream,
        pytest.raises(ModelError) as caught,
    ):
        monkeypatch.setenv("NVIDIA_NIM_API_BASE", upstream.url)
        call = ModelCall("m", ({"role": "user", "content": "hi"},))
        complete(LiteLlmClient("nvidia_nim", lambda: "key").stream(call))
    assert (caught.value.status, caught.value.retry_after_s) == (status, 37)
    assert len(upstream.calls) == 1


def test_a_server_that_cannot_be_reached_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:  # bound, but not listening
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("NVIDIA_NIM_API_BASE", f"http://127.0.0.1:{closed.getsockname()[1]}")
        call = ModelCall("m", ({"role": "user", "content": "hi"},))
        slept: list[float] = []  # the SDK would sleep before it repeats
        monkeypatch.setattr(time, "sleep", slept.append)
        with pytest.raises(ModelError, match="cannot be reached: ConnectError"):
            complete(LiteLlmClient("nvidia_nim", lambda: "key").stream(call))
    assert slept == []


def test_json_through_a_tool_stays_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a provider knows no JSON schema, LiteLLM asks for a call of a tool, and turns the call
    into a text. The provider's own answer has OpenAI's form, and is not what was asked for."""
    tool: JsonValue = {"name": JSON_TOOL, "arguments": '{"a": 1}'}
    message: JsonValue = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": tool}],
    }
    choice: JsonValue = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    body: JsonValue = {"id": "x", "model": "m", "choices": [choice], "service_tier": "on_demand"}
    schema: JsonValue = {"type": "object", "properties": {"a": {"type": "integer"}}}
    wanted: JsonValue = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with running_upstream(lambda _: Reply(body)) as upstream:
        monkeypatch.setenv("GROQ_API_BASE", upstream.url)
        call = ModelCall("m", ({"role": "user", "content": "hi"},), {"response_format": wanted}, 5)
        answer = complete(LiteLlmClient("groq", lambda: "key").stream(call))
    assert answer.text == '{"a": 1}'
    assert "tool_calls" not in answer.choices[0].message
