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
from route_switch.adapters.models.bedrock_thoughts import Thoughts
from route_switch.adapters.models.openai_message import read_finish_reason
from route_switch.adapters.models.openai_tool_calls import ToolCallPieces
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
    stopped = False
    for event in events:
        if "messageStop" in event:
            stopped = True
            reason = str(event["messageStop"].get("stopReason", ""))
            if reason in UNUSABLE_REASONS:
                raise ModelError(f"{model} returned malformed output ({reason}). Try again.")
            yield reader.end(FINISH_REASONS.get(reason, "stop"))
        elif "metadata" in event:
            yield Chunk({}, usage=read_bedrock_usage(event["metadata"].get("usage", {})))
        elif delta := reader.read(event):
            yield Chunk(delta)
    if not stopped:
        raise ModelError(f"{model} broke off its answer")


class _Reader:
    def __init__(self, *, one_call: bool) -> None:
        self._one_call = one_call
        self._calls = ToolCallPieces()
        self._thoughts = Thoughts()
        self._first: object = None
        """Index of the block with the first tool call."""
        self._seen: JsonObject = {}

    def read(self, event: Mapping[str, Any]) -> JsonObject:
        block = event.get("contentBlockStart") or event.get("contentBlockDelta") or {}
        index, delta = block.get("contentBlockIndex"), block.get("delta", {})
        if use := block.get("start", {}).get("toolUse"):
            piece = {"id": use.get("toolUseId"), "name": use.get("name"), "arguments": ""}
            return self._call(index, piece)
        if use := delta.get("toolUse"):
            return self._call(index, {"function": {"arguments": use.get("input", "")}})
        if text := delta.get("text"):
            return self._said({"content": text})
        thought = self._thoughts.read(index, delta.get("reasoningContent", {}))
        return self._said(thought) if thought else {}

    def end(self, reason: str) -> Chunk:
        calls = self._calls.rest()
        delta: JsonObject = {"tool_calls": calls} if calls else {}
        if not self._seen:
            delta = {"content": ""}
        return Chunk(delta, finish_reason=read_finish_reason(reason, self._seen))

    def _call(self, index: JsonValue, piece: JsonObject) -> JsonObject:
        if self._first is None:
            self._first = index
        if self._one_call and index != self._first:
            return {}
        return self._said({"tool_calls": self._calls.read({"index": index, **piece})})

    def _said(self, delta: JsonObject) -> JsonObject:
        self._seen |= delta
        return delta
