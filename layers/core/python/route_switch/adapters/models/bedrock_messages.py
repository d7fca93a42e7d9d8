"""Translate OpenAI chat messages into the turns of a Bedrock conversation.

In Bedrock, user and assistant alternate, user first. So consecutive messages of one role are
merged, and messages without content are dropped. A participant's `name`, an assistant's
`reasoning_content` and other accompanying fields are not sent; signed thoughts are, to a model that
takes them.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from route_switch.adapters.models.bedrock_cache import point_after
from route_switch.adapters.models.bedrock_content import (
    last_cache_point,
    text_blocks,
    user_blocks,
)
from route_switch.adapters.models.bedrock_thoughts import thoughts_of
from route_switch.adapters.models.bedrock_tools import require_results, tool_result, tool_uses
from route_switch.domain.conversation import INSTRUCTING
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.ports import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.literals import ConversationRoleType
    from mypy_boto3_bedrock_runtime.type_defs import (
        ContentBlockTypeDef,
        MessageTypeDef,
        SystemContentBlockTypeDef,
    )


def system_blocks(messages: Sequence[JsonObject]) -> "list[SystemContentBlockTypeDef]":
    """Return all system and developer messages, wherever they occur in the conversation."""
    blocks: list[SystemContentBlockTypeDef] = []
    for index, message in enumerate(messages):
        if message.get("role") in INSTRUCTING:
            texts = text_blocks(message.get("content"), f"messages[{index}]")
            blocks += cast("list[SystemContentBlockTypeDef]", texts)
            point = point_after(message)
            if point and blocks and "cachePoint" not in blocks[-1]:
                blocks.append({"cachePoint": point})
    return blocks


def turns_of(
    messages: Sequence[JsonObject], *, with_thoughts: bool = False
) -> "list[MessageTypeDef]":
    """Return all other messages. Raise `InvalidModelRequestError` for conversations that Bedrock
    would reject."""
    turns: list[MessageTypeDef] = [
        {"role": role, "content": [block for _, block in blocks]}
        for role, blocks in groupby(_blocks_by_role(messages, with_thoughts), key=itemgetter(0))
    ]
    if not turns or turns[0]["role"] != "user":
        raise InvalidModelRequestError(
            "Bedrock requires conversations to start with a nonempty user message. Put one before "
            "the assistant's, or send instructions as a user."
        )
    require_results(turns)
    return turns


def _blocks_by_role(
    messages: Sequence[JsonObject],
    with_thoughts: bool,
) -> "Iterator[tuple[ConversationRoleType, ContentBlockTypeDef]]":
    """Yield all content blocks in order, each with its role."""
    for index, message in enumerate(messages):
        if message.get("role") not in INSTRUCTING:
            role, blocks = _turn_of(message, f"messages[{index}]", with_thoughts)
            point = point_after(message)
            if point and blocks and "cachePoint" not in blocks[-1]:
                blocks.append({"cachePoint": point})
            yield from ((role, block) for block in blocks)


def _turn_of(
    message: JsonObject, place: str, with_thoughts: bool
) -> "tuple[ConversationRoleType, list[ContentBlockTypeDef]]":
    content = message.get("content")
    match message.get("role"):
        case "user":
            return "user", user_blocks(content, place)
        case "assistant":
            thoughts = thoughts_of(message, place) if with_thoughts else ()
            return "assistant", [*thoughts, *_assistant_blocks(message, place)]
        case "tool":
            point = last_cache_point(content, place)
            result = tool_result(message, place)
            return "user", [result, {"cachePoint": point}] if point else [result]
    raise InvalidModelRequestError(
        f"{place} has a role that cannot be sent to Bedrock. Use system, developer, user, "
        "assistant or tool."
    )


def _assistant_blocks(message: JsonObject, place: str) -> "list[ContentBlockTypeDef]":
    for field in ("function_call", "audio"):
        if message.get(field):
            raise InvalidModelRequestError(
                f"{place}.{field} cannot be sent to Bedrock. Send text and tool_calls."
            )
    blocks = text_blocks(message.get("content"), place)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        blocks.append({"text": refusal})
    return blocks + tool_uses(message, place)
