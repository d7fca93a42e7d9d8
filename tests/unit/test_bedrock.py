"""Bedrock's `converse`, with botocore validating the request and the response."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from route_switch.adapters.models.bedrock import BedrockClient
from route_switch.adapters.models.bedrock_answer import FINISH_REASONS, UNUSABLE_REASONS
from route_switch.domain.completion import Completion, complete
from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ModelUnusableError,
)
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.usage import Usage
from tests.support.converse import MODEL

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

HI: JsonObject = {"role": "user", "content": "Hi"}
SECRET = "the user's secret"
Stubbed = tuple["BedrockRuntimeClient", Stubber]


@pytest.fixture(scope="module")
def bedrock() -> "BedrockRuntimeClient":
    client: BedrockRuntimeClient = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    return client


@pytest.fixture
def stubbed(bedrock: "BedrockRuntimeClient") -> Iterator[Stubbed]:
    with Stubber(bedrock) as stubber:
        yield bedrock, stubber
        stubber.assert_no_pending_responses()


def reply(*content: JsonObject, stop: str = "end_turn", **usage: int) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop,
        "usage": {"inputTokens": 20, "outputTokens": 5, "totalTokens": 25, **usage},
        "metrics": {"latencyMs": 1},
    }


def tool_use(id_: str, **tool_input: Any) -> JsonObject:
    return {"toolUse": {"toolUseId": id_, "name": "weather", "input": tool_input}}


def answered(
    stubbed: Stubbed,
    response: dict[str, Any],
    *messages: JsonObject,
    expected: dict[str, Any] | None = None,
    **params: Any,
) -> Completion:
    client, stubber = stubbed
    stubber.add_response("converse", response, expected)
    return complete(BedrockClient(client).stream(ModelCall(MODEL, messages or (HI,), params)))


def test_a_conversation_is_translated_to_bedrock_and_back(stubbed: Stubbed) -> None:
    answer = answered(
        stubbed,
        reply({"text": "Hal"}, {"text": "lo"}, stop="max_tokens", cacheReadInputTokens=100),
        {"role": "system", "content": "Be brief."},
        HI,
        {"role": "user", "content": [{"type": "text", "text": "In German, please."}]},
        {"role": "assistant", "content": "Ok"},
        {"role": "user", "content": "Now"},
        expected={
            "modelId": MODEL,
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "Hi"}, {"text": "In German, please."}]},
                {"role": "assistant", "content": [{"text": "Ok"}]},
                {"role": "user", "content": [{"text": "Now"}]},
            ],
            "inferenceConfig": {
                "maxTokens": 5,
                "temperature": 0,
                "topP": 0.5,
                "stopSequences": ["END"],
            },
        },
        max_tokens=5,
        temperature=0,
        top_p=0.5,
        stop="END",
    )
    assert answer.text == "Hallo"
    assert answer.choices[0].message == {"role": "assistant", "content": "Hallo"}
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage == Usage(120, 5, 100)
    assert answer.provider_model is None


def test_an_agent_calls_two_tools_and_answers_with_their_results(stubbed: Stubbed) -> None:
    """A complete conversation of a client of the OpenAI API: ask, call, answer."""
    tools = [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "The weather of a city",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        }
    ]
    declared = {
        "tools": [
            {
                "toolSpec": {
                    "name": "weather",
                    "description": "The weather of a city",
                    "inputSchema": {
                        "json": {"type": "object", "properties": {"city": {"type": "string"}}}
                    },
                }
            }
        ]
    }
    question: JsonObject = {"role": "user", "content": "Is it warmer in Köln or in Rome?"}
    asked = {"role": "user", "content": [{"text": "Is it warmer in Köln or in Rome?"}]}
    called: list[JsonObject] = [
        {"text": "I look it up."},
        tool_use("tooluse_1", city="Köln"),
        tool_use("tooluse_2", city="Rome"),
    ]

    first = answered(
        stubbed,
        reply(*called, stop="tool_use"),
        question,
        tools=tools,
        expected={
            "modelId": MODEL,
            "messages": [asked],
            "inferenceConfig": {"maxTokens": 4096},
            "toolConfig": declared,
        },
    )
    call = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert call == {
        "role": "assistant",
        "content": "I look it up.",
        "tool_calls": [
            {
                "id": "tooluse_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Köln"}'},
            },
            {
                "id": "tooluse_2",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
            },
        ],
    }

    last = answered(
        stubbed,
        reply({"text": "In Rome."}),
        question,
        call,
        {"role": "tool", "tool_call_id": "tooluse_1", "content": "18 °C"},
        {"role": "tool", "tool_call_id": "tooluse_2", "content": "27 °C"},
        tools=tools,
        expected={
            "modelId": MODEL,
            "messages": [
                asked,
                {"role": "assistant", "content": called},
                {
                    "role": "user",
                    "content": [
                        {"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "18 °C"}]}},
                        {"toolResult": {"toolUseId": "tooluse_2", "content": [{"text": "27 °C"}]}},
                    ],
                },
            ],
            "inferenceConfig": {"maxTokens": 4096},
            "toolConfig": declared,
        },
    )
    assert last.text == "In Rome."
    assert last.choices[0].finish_reason == "stop"


def test_an_answer_that_only_calls_a_tool_has_no_content(stubbed: Stubbed) -> None:
    answer = answered(stubbed, reply(tool_use("1"), stop="tool_use"))
    message = answer.choices[0].message
    assert message["content"] is None
    assert message["tool_calls"] == [
        {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    ]


def test_an_empty_answer_is_an_empty_text(stubbed: Stubbed) -> None:
    assert answered(stubbed, reply()).choices[0].message["content"] == ""


def test_without_parallel_tool_calls_only_the_first_is_returned(stubbed: Stubbed) -> None:
    both = reply(tool_use("1"), tool_use("2"), stop="tool_use")
    answer = answered(stubbed, both, parallel_tool_calls=False)
    calls = answer.choices[0].message["tool_calls"]
    assert isinstance(calls, list)
    assert [call["id"] for call in calls if isinstance(call, dict)] == ["1"]


def test_reasoning_is_not_part_of_the_answer(stubbed: Stubbed) -> None:
    answer = answered(
        stubbed,
        reply(
            {"reasoningContent": {"reasoningText": {"text": "Hm, ", "signature": "s"}}},
            {"reasoningContent": {"redactedContent": b"?"}},  # type: ignore[dict-item]  # bytes
            {"reasoningContent": {"reasoningText": {"text": "yes."}}},
            {"text": "Yes."},
        ),
    )
    assert answer.choices[0].message == {
        "role": "assistant",
        "content": "Yes.",
        "reasoning_content": "Hm, yes.",
        "thinking_blocks": [
            {"type": "thinking", "thinking": "Hm, ", "signature": "s"},
            {"type": "redacted_thinking", "data": "Pw=="},
        ],
    }


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("a_new_one", "stop"),
    ],
)
def test_the_stop_reason_is_translated_to_openais_finish_reason(
    stubbed: Stubbed, stop: str, finish: str
) -> None:
    calls = [tool_use("1")] if stop == "tool_use" else []
    response = reply({"text": "a"}, *calls, stop=stop)
    assert answered(stubbed, response).choices[0].finish_reason == finish


@pytest.mark.parametrize("stop", ["malformed_model_output", "malformed_tool_use"])
def test_malformed_output_is_an_error(stubbed: Stubbed, stop: str) -> None:
    with pytest.raises(ModelError, match=stop) as caught:
        answered(stubbed, reply({"text": SECRET}, stop=stop))
    assert type(caught.value) is ModelError
    assert SECRET not in str(caught.value)


def test_every_stop_reason_of_the_service_model_is_handled(
    bedrock: "BedrockRuntimeClient",
) -> None:
    output: Any = bedrock.meta.service_model.operation_model("Converse").output_shape
    assert set(output.members["stopReason"].enum) == {*FINISH_REASONS, *UNUSABLE_REASONS}


def test_cached_input_is_part_of_the_input(stubbed: Stubbed) -> None:
    response = reply({"text": "a"}, cacheReadInputTokens=100, cacheWriteInputTokens=7)
    assert answered(stubbed, response).usage == Usage(127, 5, 100, 7)


def test_writes_for_an_hour_are_told_apart(stubbed: Stubbed) -> None:
    response = reply({"text": "a"}, cacheWriteInputTokens=37)
    response["usage"]["cacheDetails"] = [
        {"ttl": "5m", "inputTokens": 7},
        {"ttl": "1h", "inputTokens": 30},
    ]
    assert answered(stubbed, response).usage == Usage(57, 5, 0, 37, cache_write_1h_tokens=30)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ValidationException", 400, InvalidModelRequestError),
        ("AccessDeniedException", 403, ModelUnusableError),
        ("ResourceNotFoundException", 404, ModelUnusableError),
        ("ModelTimeoutException", 408, ModelTimeoutError),
        ("ModelErrorException", 424, ModelError),
        ("ThrottlingException", 429, ModelError),
        ("ModelNotReadyException", 429, ModelError),
        ("ServiceQuotaExceededException", 429, ModelError),
        ("ExpiredTokenException", 401, ModelUnusableError),
        ("InternalServerException", 500, ModelError),
        ("ServiceUnavailableException", 503, ModelError),
    ],
)
def test_errors_distinguish_an_invalid_request_from_a_failing_model(
    stubbed: Stubbed, code: str, status: int, kind: type[ModelError]
) -> None:
    client, stubber = stubbed
    stubber.add_client_error("converse", code, "why", status)
    with pytest.raises(ModelError) as caught:
        complete(BedrockClient(client).stream(ModelCall(MODEL, (HI,))))
    assert type(caught.value) is kind
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"temperature": SECRET}, "inferenceConfig.temperature"),
        ({"max_tokens": 0}, "inferenceConfig.maxTokens"),
        ({"stop": ["a", ""]}, "inferenceConfig.stopSequences[1]"),
        ({"stop": {"a": SECRET}}, "inferenceConfig.stopSequences"),
        ({"top_p": [SECRET]}, "inferenceConfig.topP"),
    ],
)
def test_a_value_of_the_wrong_type_is_the_requests_fault_and_not_quoted(
    bedrock: "BedrockRuntimeClient", params: JsonObject, field: str
) -> None:
    with pytest.raises(InvalidModelRequestError) as caught:
        complete(BedrockClient(bedrock).stream(ModelCall(MODEL, (HI,), params)))
    assert str(caught.value) == f"Bedrock does not accept this value of {field}. Correct it."


def test_a_request_that_cannot_be_translated_is_refused_before_sending(stubbed: Stubbed) -> None:
    client, _ = stubbed  # has no response queued
    with pytest.raises(InvalidModelRequestError, match="'n' cannot be sent"):
        complete(BedrockClient(client).stream(ModelCall(MODEL, (HI,), {"n": 2})))
