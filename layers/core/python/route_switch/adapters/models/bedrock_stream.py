"""Events of Amazon Bedrock's `converse_stream` as chunks.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from route_switch.adapters.models.bedrock_answer import (
    FINISH_REASONS,
    UNUSABLE_REASONS,
    read_bedrock_usage,
)
from route_switch.adapters.models.openai_message import read_finish_reason
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, JsonObject


def read_events(
    model: str, events: Iterable[Mapping[str, Any]], *, one_call: bool
) -> Iterator[Chunk]:
    """Yield a chunk for each event that says something.

    With `one_call`, leave out all tool calls but the first. Raise `ModelError` for an answer that
    is malformed or that breaks off.
    """
    reader = _Reader(one_call=one_call)
    stopped: str | None = None
    for event in events:
        if "messageStop" in event:
            stopped = str(event["messageStop"].get("stopReason", ""))
            if stopped in UNUSABLE_REASONS:
                raise ModelError(f"{model} returned malformed output ({stopped}). Try again.")
            reason = read_finish_reason(FINISH_REASONS.get(stopped, "stop"), reader.seen)
            yield Chunk({}, finish_reason=reason)
        elif "metadata" in event:
            yield Chunk({}, usage=read_bedrock_usage(event["metadata"].get("usage", {})))
        elif delta := reader.read(event):
            yield Chunk(delta)
    if stopped is None:
        raise ModelError(f"{model} broke off its answer")


class _Reader:
    """Numbers tool calls: Bedrock counts blocks of every kind."""

    def __init__(self, *, one_call: bool) -> None:
        self._one_call = one_call
        self._positions: dict[object, int] = {}
        self.seen: JsonObject = {}
        """Kinds of calls that the message has."""

    def read(self, event: Mapping[str, Any]) -> JsonObject:
        if start := event.get("contentBlockStart", {}).get("start", {}).get("toolUse"):
            return self._begin(event["contentBlockStart"].get("contentBlockIndex"), start)
        block = event.get("contentBlockDelta", {})
        delta = block.get("delta", {})
        if text := delta.get("text"):
            return {"content": text}
        if thought := delta.get("reasoningContent", {}).get("text"):
            return {"reasoning_content": thought}
        if use := delta.get("toolUse"):
            return self._continue(block.get("contentBlockIndex"), use.get("input", ""))
        return {}

    def _begin(self, block: object, start: Mapping[str, Any]) -> JsonObject:
        if self._one_call and self._positions:
            return {}
        position = self._positions.setdefault(block, len(self._positions))
        call: JsonObject = {
            "index": position,
            "id": start.get("toolUseId"),
            "type": "function",
            "function": {"name": start.get("name"), "arguments": ""},
        }
        self.seen = {"tool_calls": [call]}
        return self.seen

    def _continue(self, block: object, arguments: JsonValue) -> JsonObject:
        position = self._positions.get(block)
        if position is None:
            return {}
        return {"tool_calls": [{"index": position, "function": {"arguments": arguments}}]}
