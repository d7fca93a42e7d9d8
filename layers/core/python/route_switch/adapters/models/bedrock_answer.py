"""Whole answers of Amazon Bedrock's `converse` as chunks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from route_switch.adapters.models.bedrock_thoughts import signed_thought
from route_switch.adapters.models.openai_message import read_finish_reason, read_message
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.usage import Usage, read_usage

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.type_defs import (
        ContentBlockOutputTypeDef,
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


def read_response(call: ModelCall, response: "ConverseResponseTypeDef") -> Chunk:
    """`response` is unchecked: botocore does not insist on fields that the service promises."""
    reason, usage = response.get("stopReason", ""), read_bedrock_usage(response.get("usage", {}))
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
    # A reason may mention tools that the message does not call, or fail to mention those that it
    # calls.
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
    found = (signed_thought(block.get("reasoningContent", {})) for block in blocks)
    signed = [each for each in found if each is not None]
    return read_message(
        {
            "content": text if text or not calls else None,
            "tool_calls": calls[:1] if one_call else calls,
            "reasoning_content": "".join(map(_reasoning, blocks)) or None,
            "thinking_blocks": [*signed] or None,
        }
    )


def _text(block: "ContentBlockOutputTypeDef") -> str:
    """Return the block's text. An answer that cites its sources has the text next to them."""
    cited = block.get("citationsContent", {}).get("content", ())
    return block.get("text", "") + "".join(part.get("text", "") for part in cited)


def _reasoning(block: "ContentBlockOutputTypeDef") -> str:
    """Return the model's reasoning, which OpenAI-compatible servers call reasoning_content."""
    return block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")


def read_bedrock_usage(usage: "TokenUsageTypeDef") -> Usage | None:
    """Bedrock counts cached input separately, as Anthropic does."""
    details = usage.get("cacheDetails", ())
    hour = sum(each.get("inputTokens", 0) for each in details if each.get("ttl") == "1h")
    return read_usage(
        {
            "input_tokens": usage.get("inputTokens"),
            "output_tokens": usage.get("outputTokens"),
            "cache_read_input_tokens": usage.get("cacheReadInputTokens", 0),
            "cache_creation_input_tokens": usage.get("cacheWriteInputTokens", 0),
            "cache_creation": {"ephemeral_1h_input_tokens": hour},
        }
    )
