"""Signed thoughts: Bedrock's `reasoningContent` and `thinking_blocks`, as LiteLLM calls them.

Claude demands its thoughts back, unchanged, while its tool calls are open:
https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.ports import JsonObject, ModelCall

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.type_defs import ContentBlockTypeDef

_CLAUDE = re.compile(r"(?:^|\.|/)anthropic\.claude")


def takes_thoughts(call: ModelCall) -> bool:
    """Whether the model takes thoughts back: Claude does if it is to think."""
    thinking, effort = call.params.get("thinking"), call.params.get("reasoning_effort")
    is_on = isinstance(thinking, dict) and thinking.get("type") != "disabled"
    return bool(_CLAUDE.search(call.model)) and (is_on or effort not in (None, "none"))


def signed_thought(content: Mapping[str, Any]) -> JsonObject | None:
    """Return a whole `reasoningContent` as a thinking block; None if it is unsigned."""
    if redacted := content.get("redactedContent"):
        return redacted_thought(redacted)
    said = content.get("reasoningText", {})
    if not said.get("signature"):
        return None
    return thinking_block(said.get("text", ""), said["signature"])


def thinking_block(text: str, signature: str) -> JsonObject:
    return {"type": "thinking", "thinking": text, "signature": signature}


def redacted_thought(data: bytes) -> JsonObject:
    return {"type": "redacted_thinking", "data": b64encode(data).decode()}


def thoughts_of(message: JsonObject, place: str) -> "Iterator[ContentBlockTypeDef]":
    """Yield the signed thoughts of an assistant message as Bedrock's blocks."""
    blocks = message.get("thinking_blocks")
    for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
        where = f"{place}.thinking_blocks[{index}]"
        match block:
            case {"type": "redacted_thinking", "data": str(data)}:
                yield {"reasoningContent": {"redactedContent": _decoded(data, where)}}
            case {"type": "thinking", "thinking": str(text), "signature": str(signature)}:
                said: Any = {"text": text, "signature": signature}
                yield {"reasoningContent": {"reasoningText": said}}
            case _:
                raise _refused(where)


def _decoded(data: str, where: str) -> bytes:
    try:
        return b64decode(data, validate=True)
    except ValueError as error:
        raise _refused(where) from error


def _refused(where: str) -> InvalidModelRequestError:
    return InvalidModelRequestError(
        f"{where} is not a thought of a Bedrock model. Send it as the answer had it, or remove it."
    )


class Thoughts:
    """Thoughts of a stream, whose signature comes after the text."""

    def __init__(self) -> None:
        self._texts: dict[JsonValue, list[str]] = {}
        self._count = 0

    def read(self, block: JsonValue, content: Mapping[str, Any]) -> JsonObject:
        """Return what a piece adds to the message. `block` is the index of its content block."""
        if text := content.get("text"):
            self._texts.setdefault(block, []).append(text)
            return {"reasoning_content": text}
        if redacted := content.get("redactedContent"):
            return self._numbered(redacted_thought(redacted))
        if signature := content.get("signature"):
            return self._numbered(thinking_block("".join(self._texts.get(block, ())), signature))
        return {}

    def _numbered(self, thought: JsonObject) -> JsonObject:
        self._count += 1
        return {"thinking_blocks": [{"index": self._count - 1, **thought}]}
