"""LiteLLM, called for real, against a loopback server."""

import pytest
from pydantic import JsonValue

from route_switch.adapters.models.litellm_client import LiteLlmClient
from route_switch.domain.completion import complete
from route_switch.domain.errors import InvalidModelRequestError, ModelError
from route_switch.domain.ports import ModelCall
from route_switch.domain.pricing import Usage
from tests.support.upstream import completion, failure, running_upstream


def call(url: str) -> ModelCall:
    params: dict[str, JsonValue] = {"temperature": 0, "max_tokens": 3, "api_base": url}
    return ModelCall("some-model", ({"role": "user", "content": "hi"},), params, 5)


def test_an_answer_comes_back_with_its_tokens() -> None:
    with running_upstream(lambda _: completion("Hello", 13, 2)) as upstream:
        answer = complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(call(upstream.url)))
    assert answer.text == "Hello"
    assert answer.usage == Usage(13, 2)
    [body] = upstream.calls
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("some-model", 3, 0)


@pytest.mark.parametrize(("status", "kind"), [(400, InvalidModelRequestError), (500, ModelError)])
def test_errors_are_ours_and_nothing_is_tried_twice(status: int, kind: type[ModelError]) -> None:
    with (
        running_upstream(lambda _: failure(status)) as upstream,
        pytest.raises(ModelError) as caught,
    ):
        complete(LiteLlmClient("hosted_vllm", lambda: "key").stream(call(upstream.url)))
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert len(upstream.calls) == 1
