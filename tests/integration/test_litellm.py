"""LiteLLM, really called, against a loopback server."""

import os

import pytest
from pydantic import JsonValue

from route_switch.adapters.models.litellm_client import LiteLlmClient
from route_switch.domain.completion import complete
from route_switch.domain.errors import InvalidModelRequestError, ModelError
from route_switch.domain.ports import ModelCall
from route_switch.domain.pricing import Usage
from tests.support.upstream import completion, failure, running_upstream


@pytest.fixture(autouse=True)
def _address(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM reads the address on each call, so each test sets its own server's."""
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", "")


def call(url: str) -> ModelCall:
    os.environ["HOSTED_VLLM_API_BASE"] = url
    params: dict[str, JsonValue] = {"temperature": 0, "max_tokens": 3}
    return ModelCall("some-model", ({"role": "user", "content": "hi"},), params, 5)


def test_an_answer_is_returned_with_its_tokens() -> None:
    with running_upstream(lambda _: completion("Hello", 13, 2)) as upstream:
        answer = complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(call(upstream.url)))
    assert answer.text == "Hello"
    assert answer.usage == Usage(13, 2)
    [body] = upstream.calls
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("some-model", 3, 0)


@pytest.mark.parametrize(("status", "kind"), [(400, InvalidModelRequestError), (500, ModelError)])
def test_errors_are_translated_and_nothing_is_retried(status: int, kind: type[ModelError]) -> None:
    with (
        running_upstream(lambda _: failure(status)) as upstream,
        pytest.raises(ModelError) as caught,
    ):
        complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(call(upstream.url)))
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("name", ["api_base", "api_key", "custom_llm_provider", "mock_response"])
def test_a_request_cannot_change_litellms_settings(name: str) -> None:
    request = ModelCall("some-model", ({"role": "user", "content": "hi"},), {name: "x"}, 5)
    with pytest.raises(InvalidModelRequestError, match=name):
        complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(request))
