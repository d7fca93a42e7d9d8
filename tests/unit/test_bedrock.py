"""Bedrock's `converse`, with botocore checking both sides of the call."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from route_switch.adapters.models.bedrock import BedrockClient
from route_switch.domain.completion import complete
from route_switch.domain.errors import InvalidModelRequestError, ModelError
from route_switch.domain.ports import ModelCall
from route_switch.domain.pricing import Usage

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

HALLO = [{"text": "Hal"}, {"text": "lo"}]
MODEL = "us.amazon.nova-lite-v1:0"
Stubbed = tuple["BedrockRuntimeClient", Stubber]


@pytest.fixture
def stubbed() -> Iterator[Stubbed]:
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def test_a_conversation_is_translated_there_and_back(stubbed: Stubbed) -> None:
    client, stubber = stubbed
    stubber.add_response(
        "converse",
        {
            "output": {
                "message": {"role": "assistant", "content": [{"text": "Hal"}, {"text": "lo"}]}
            },
            "stopReason": "max_tokens",
            "usage": {
                "inputTokens": 20,
                "outputTokens": 5,
                "totalTokens": 125,
                "cacheReadInputTokens": 100,
            },
            "metrics": {"latencyMs": 1},
        },
        {
            "modelId": MODEL,
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "Hi"}, {"text": "In German, please."}]},
                {"role": "assistant", "content": [{"text": "Ok"}]},
                {"role": "user", "content": [{"text": "Now"}]},
            ],
            "inferenceConfig": {
                "maxTokens": 5,
                "temperature": 0.0,
                "topP": 0.5,
                "stopSequences": ["END"],
            },
        },
    )
    call = ModelCall(
        MODEL,
        (
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "user", "content": [{"type": "text", "text": "In German, please."}]},
            {"role": "assistant", "content": "Ok"},
            {"role": "user", "content": "Now"},
        ),
        {
            "max_tokens": 5,
            "temperature": 0,
            "top_p": 0.5,
            "stop": "END",
            "seed": 7,
            "n": 1,
            "response_format": {"type": "text"},
            "unheard_of": True,
        },
    )
    answer = complete(BedrockClient(client).stream(call))
    assert answer.text == "Hallo"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage == Usage(120, 5, 100)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ValidationException", 400, InvalidModelRequestError),
        ("ThrottlingException", 429, ModelError),
        ("AccessDeniedException", 403, ModelError),
        ("ModelErrorException", 424, ModelError),
    ],
)
def test_errors_tell_a_wrong_request_from_a_failing_model(
    stubbed: Stubbed, code: str, status: int, kind: type[ModelError]
) -> None:
    client, stubber = stubbed
    stubber.add_client_error("converse", code, "why", status)
    with pytest.raises(ModelError) as caught:
        complete(
            BedrockClient(client).stream(ModelCall(MODEL, ({"role": "user", "content": "x"},)))
        )
    assert type(caught.value) is kind
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("message", "params"),
    [
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, {}),
        ({"role": "tool", "content": "x", "tool_call_id": "1"}, {}),
        ({"role": "user", "content": "x"}, {"tools": [{}]}),
        ({"role": "user", "content": "x"}, {"n": 2}),
        ({"role": "user", "content": "x"}, {"response_format": {"type": "json_object"}}),
    ],
)
def test_what_cannot_be_translated_is_refused_and_not_dropped(
    stubbed: Stubbed, message: dict[str, object], params: dict[str, object]
) -> None:
    client, _ = stubbed
    call = ModelCall(MODEL, (message,), params)  # type: ignore[arg-type]  # test data as written
    with pytest.raises(InvalidModelRequestError):
        complete(BedrockClient(client).stream(call))
