"""Amazon Bedrock through its `converse` API."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)
from pydantic import JsonValue

from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.pricing import Usage
from route_switch.domain.query import text_of

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_bedrock_runtime.type_defs import (
        ConverseRequestTypeDef,
        ConverseResponseTypeDef,
        InferenceConfigurationTypeDef,
        MessageTypeDef,
    )

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}

_CHANGES_THE_ANSWER = ("tools", "tool_choice", "functions", "function_call", "logprobs", "audio")
"""Fields that cannot be sent yet and must not be dropped; any other unknown field only tunes."""


class BedrockClient:
    def __init__(self, bedrock: "BedrockRuntimeClient") -> None:
        self._bedrock = bedrock

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        request = _request(call)
        try:
            response = self._bedrock.converse(**request)
        except (ReadTimeoutError, ConnectTimeoutError) as error:
            raise ModelTimeoutError(f"{call.model} did not answer in time") from error
        except ClientError as error:
            raise _error(call.model, error) from error
        except BotoCoreError as error:
            raise ModelError(f"{call.model} cannot be reached: {type(error).__name__}") from error
        yield _chunk(response)


def _request(call: ModelCall) -> "ConverseRequestTypeDef":
    _refuse_what_would_be_lost(call.params)
    request: ConverseRequestTypeDef = {
        "modelId": call.model,
        "messages": _messages(call.messages),
        "inferenceConfig": _inference_config(call.params),
    }
    system = [text_of(m) for m in call.messages if m.get("role") in ("system", "developer")]
    if system:
        request["system"] = [{"text": text} for text in system if text]
    return request


def _refuse_what_would_be_lost(params: Mapping[str, JsonValue]) -> None:
    lost = [name for name in _CHANGES_THE_ANSWER if params.get(name)]
    if params.get("n") not in (None, 1):
        lost.append("n")
    form = params.get("response_format")
    if isinstance(form, dict) and form.get("type") != "text":
        lost.append("response_format")
    if lost:
        raise InvalidModelRequestError(
            f"'{lost[0]}' cannot be sent to Bedrock yet. Leave it out, or configure a provider "
            "that takes it."
        )


def _messages(messages: tuple[JsonObject, ...]) -> "list[MessageTypeDef]":
    """User and assistant turns; neighbors of one role are joined, since Bedrock alternates."""
    turns = [m for m in messages if m.get("role") not in ("system", "developer")]
    if any(m.get("role") not in ("user", "assistant") or _has_more_than_text(m) for m in turns):
        raise InvalidModelRequestError(
            "Bedrock takes text of users and assistants only, for now. Leave tools, images and "
            "files out, or configure a provider that takes them."
        )
    return [
        {
            "role": "user" if role == "user" else "assistant",
            "content": [{"text": text_of(m) or " "} for m in neighbors],
        }
        for role, neighbors in groupby(turns, key=lambda m: m["role"])
    ]


def _has_more_than_text(message: JsonObject) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return bool(message.get("tool_calls")) or any(
        not isinstance(part, dict) or part.get("type") != "text" for part in parts
    )


def _inference_config(params: Mapping[str, JsonValue]) -> "InferenceConfigurationTypeDef":
    config: InferenceConfigurationTypeDef = {}
    limit = params.get("max_completion_tokens") or params.get("max_tokens")
    if isinstance(limit, int):
        config["maxTokens"] = limit
    temperature, top_p, stop = (params.get(k) for k in ("temperature", "top_p", "stop"))
    if isinstance(temperature, int | float):
        config["temperature"] = float(temperature)
    if isinstance(top_p, int | float):
        config["topP"] = float(top_p)
    if stop is not None:
        config["stopSequences"] = [str(s) for s in (stop if isinstance(stop, list) else [stop])]
    return config


def _chunk(response: "ConverseResponseTypeDef") -> Chunk:
    blocks = response["output"].get("message", {}).get("content", [])
    usage = response["usage"]
    cached = usage.get("cacheReadInputTokens", 0)
    written = usage.get("cacheWriteInputTokens", 0)
    return Chunk(
        delta={"content": "".join(block.get("text", "") for block in blocks)},
        finish_reason=FINISH_REASONS.get(response["stopReason"], "stop"),
        # Bedrock counts cached input apart; here it is part of the input, as OpenAI has it.
        usage=Usage(usage["inputTokens"] + cached + written, usage["outputTokens"], cached),
    )


def _error(model: str, error: ClientError) -> ModelError:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code == "ValidationException":
        reason = error.response["Error"]["Message"]
        return InvalidModelRequestError(f"{model} refuses the request: {reason}", status=status)
    return ModelError(f"{model} failed: {code}", status=status)
