"""Amazon Bedrock through its `converse` API."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from pydantic import JsonValue

from route_switch.adapters.models.bedrock_request import converse_request
from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.usage import Usage

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_bedrock_runtime.type_defs import (
        ContentBlockOutputTypeDef,
        ConverseRequestTypeDef,
        ConverseResponseTypeDef,
        TokenUsageTypeDef,
    )

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
UNUSABLE_REASONS = ("malformed_model_output", "malformed_tool_use")
"""Stop reasons which mean that there is no answer."""


class BedrockClient:
    def __init__(self, bedrock: "BedrockRuntimeClient") -> None:
        self._bedrock = bedrock

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        request = converse_request(call)
        try:
            response = self._converse(request)
        except (ReadTimeoutError, ConnectTimeoutError) as error:
            raise ModelTimeoutError(f"{call.model} did not answer in time") from error
        except ClientError as error:
            raise _error(call.model, error) from error
        except ParamValidationError as error:
            raise _invalid_field(error) from error
        except BotoCoreError as error:
            raise ModelError(f"{call.model} cannot be reached: {type(error).__name__}") from error
        yield _chunk(call, response)

    def _converse(self, request: "ConverseRequestTypeDef") -> "ConverseResponseTypeDef":
        """Repeat a call once whose connection broke before anything was answered: a connection that
        was kept while Lambda froze the process may be gone."""
        try:
            return self._bedrock.converse(**request)
        except (ConnectionClosedError, EndpointConnectionError):
            return self._bedrock.converse(**request)


def _chunk(call: ModelCall, response: "ConverseResponseTypeDef") -> Chunk:
    reason = response["stopReason"]
    if reason in UNUSABLE_REASONS:
        raise ModelError(f"{call.model} returned malformed output ({reason}). Try again.")
    blocks = response["output"].get("message", {}).get("content", [])
    return Chunk(
        delta=_message(blocks, one_call=call.params.get("parallel_tool_calls") is False),
        finish_reason=FINISH_REASONS.get(reason, "stop"),
        usage=_usage(response["usage"]),
    )


def _message(blocks: "Sequence[ContentBlockOutputTypeDef]", *, one_call: bool) -> JsonObject:
    """Return an OpenAI assistant message. With `one_call`, keep only the first tool call: a client
    that wants one call at a time answers it, and the model then asks for the next."""
    text = "".join(block.get("text", "") for block in blocks)
    calls: list[JsonValue] = [
        {
            "id": block["toolUse"]["toolUseId"],
            "type": "function",
            "function": {
                "name": block["toolUse"]["name"],
                "arguments": json.dumps(block["toolUse"]["input"], ensure_ascii=False),
            },
        }
        for block in blocks
        if "toolUse" in block
    ]
    message: JsonObject = {"content": text if text or not calls else None}
    if calls:
        message["tool_calls"] = calls[:1] if one_call else calls
    if reasoning := "".join(map(_reasoning, blocks)):
        message["reasoning_content"] = reasoning
    return message


def _reasoning(block: "ContentBlockOutputTypeDef") -> str:
    """Return the model's reasoning, which OpenAI-compatible servers call reasoning_content."""
    return block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")


def _usage(usage: "TokenUsageTypeDef") -> Usage:
    """Bedrock counts cached input separately. Like OpenAI, count it as part of the input."""
    cached = usage.get("cacheReadInputTokens", 0)
    written = usage.get("cacheWriteInputTokens", 0)
    return Usage(usage["inputTokens"] + cached + written, usage["outputTokens"], cached)


def _error(model: str, error: ClientError) -> ModelError:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code == "ValidationException":
        reason = error.response["Error"]["Message"]
        return InvalidModelRequestError(f"{model} rejected the request: {reason}", status=status)
    if code == "ModelTimeoutException":
        return ModelTimeoutError(f"{model} did not answer in time", status=status)
    return ModelError(f"{model} failed: {code}", status=status)


def _invalid_field(error: ParamValidationError) -> InvalidModelRequestError:
    """botocore rejected the request before sending it. Its report quotes values, so take only the
    field's name from it."""
    field = re.search(r"for parameter ([\w.\[\]]+)", str(error))
    return InvalidModelRequestError(
        f"Bedrock does not accept this value of {field[1] if field else 'a field'}. Correct it."
    )
