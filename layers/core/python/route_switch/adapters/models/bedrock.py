"""Amazon Bedrock through its `converse` API."""

import re
from collections.abc import Callable, Iterator, Sequence
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
from route_switch.adapters.models.deadlines import deadline_in
from route_switch.adapters.models.openai_message import read_finish_reason, read_message
from route_switch.adapters.models.provider_errors import (
    NO_REASON,
    Problem,
    error_of,
)
from route_switch.adapters.models.retry_advice import retry_after_s
from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.usage import Usage, read_usage

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
STATUSES = {
    "ServiceQuotaExceededException": 429,
    "ExpiredTokenException": 401,
    "UnrecognizedClientException": 401,
}
"""What some errors mean, although their status says that the request is wrong."""
UNUSABLE_REASONS = ("malformed_model_output", "malformed_tool_use")
"""Stop reasons which mean that there is no answer."""


class BedrockClient:
    def __init__(
        self,
        bedrock: "BedrockRuntimeClient",
        cache_min_tokens: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        """`cache_min_tokens` returns the shortest prefix that a model caches, None if unknown."""
        self._bedrock = bedrock
        self._cache_min_tokens = cache_min_tokens

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        request = converse_request(call, self._cache_min_tokens(call.model))
        try:
            with deadline_in(call.timeout_s):
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
    """`response` is what came: botocore does not insist on fields that the service promises."""
    reason, usage = response.get("stopReason", ""), _usage(response.get("usage", {}))
    if reason in UNUSABLE_REASONS:
        raise ModelError(
            f"{call.model} returned malformed output ({reason}). Try again.", usage=usage
        )
    message = response.get("output", {}).get("message")
    if message is None:
        raise ModelError(f"{call.model} answered without a message", usage=usage)
    delta = _message(
        message.get("content", ()), one_call=call.params.get("parallel_tool_calls") is False
    )
    # A reason may speak of tools that the message does not call, and the other way round.
    finish_reason = read_finish_reason(FINISH_REASONS.get(reason, "stop"), delta)
    return Chunk(delta=delta, finish_reason=finish_reason, usage=usage)


def _message(blocks: "Sequence[ContentBlockOutputTypeDef]", *, one_call: bool) -> JsonObject:
    """Return an OpenAI assistant message. With `one_call`, keep only the first tool call: a client
    that wants one call at a time answers it, and the model then asks for the next."""
    text = "".join(map(_text, blocks))
    calls: list[JsonValue] = [
        {"id": use.get("toolUseId"), "name": use.get("name"), "input": use.get("input", {})}
        for block in blocks
        if (use := block.get("toolUse"))
    ]
    return read_message(
        {
            "content": text if text or not calls else None,
            "tool_calls": calls[:1] if one_call else calls,
            "reasoning_content": "".join(map(_reasoning, blocks)) or None,
        }
    )


def _text(block: "ContentBlockOutputTypeDef") -> str:
    """Return the block's text. An answer that cites its sources has the text beside them."""
    cited = block.get("citationsContent", {}).get("content", ())
    return block.get("text", "") + "".join(part.get("text", "") for part in cited)


def _reasoning(block: "ContentBlockOutputTypeDef") -> str:
    """Return the model's reasoning, which OpenAI-compatible servers call reasoning_content."""
    return block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")


def _usage(usage: "TokenUsageTypeDef") -> Usage | None:
    """Bedrock counts cached input separately, as Anthropic does."""
    return read_usage(
        {
            "input_tokens": usage.get("inputTokens"),
            "output_tokens": usage.get("outputTokens"),
            "cache_read_input_tokens": usage.get("cacheReadInputTokens", 0),
            "cache_creation_input_tokens": usage.get("cacheWriteInputTokens", 0),
        }
    )


def _error(model: str, error: ClientError) -> ModelError:
    """The code of a refused request says no more than its status, so clients are not told it."""
    code, reason = error.response["Error"].get("Code"), error.response["Error"].get("Message")
    response = error.response.get("ResponseMetadata", {})
    status = STATUSES.get(code or "") or response.get("HTTPStatusCode")
    if code == "ModelTimeoutException":
        return ModelTimeoutError(f"{model} did not answer in time", status=status)
    problem = Problem(reason or NO_REASON, None if code == "ValidationException" else code)
    return error_of(model, problem, status, retry_after_s(response.get("HTTPHeaders", {})))


def _invalid_field(error: ParamValidationError) -> InvalidModelRequestError:
    """botocore rejected the request before sending it. Its report quotes values, so take only the
    field's name from it."""
    field = re.search(r"for parameter ([\w.\[\]]+)", str(error))
    return InvalidModelRequestError(
        f"Bedrock does not accept this value of {field[1] if field else 'a field'}. Correct it."
    )
