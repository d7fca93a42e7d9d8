"""Translate OpenAI chat messages into the turns of a Bedrock conversation.

In Bedrock, user and assistant alternate, user first. So consecutive messages of one role are
merged, and messages without content are dropped. A participant's `name`, an assistant's
`reasoning_content` and other accompanying fields are not sent; signed thoughts are, to a model that
takes them.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from route_switch.adapters.models.bedrock_content import texts_of, user_blocks
from route_switch.adapters.models.bedrock_thoughts import thoughts_of
from route_switch.adapters.models.bedrock_tools import require_results, tool_result, tool_uses
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.ports import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.literals import ConversationRoleType
    from mypy_boto3_bedrock_runtime.type_defs import (
        ContentBlockTypeDef,
        MessageTypeDef,
        SystemContentBlockTypeDef,
    )

SYSTEM = ("system", "developer")


def system_blocks(messages: Sequence[JsonObject]) -> "list[SystemContentBlockTypeDef]":
    """Return all system and developer messages, wherever they occur in the conversation."""
    return [
        {"text": text}
        for index, message in enumerate(messages)
        if message.get("role") in SYSTEM
        for text in texts_of(message.get("content"), f"messages[{index}]")
    ]


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
        place, role = f"messages[{index}]", message.get("role")
        if role == "user":
            yield from (("user", block) for block in user_blocks(message.get("content"), place))
        elif role == "assistant":
            thoughts = thoughts_of(message, place) if with_thoughts else ()
            yield from (("assistant", block) for block in thoughts)
            yield from (("assistant", block) for block in _assistant_blocks(message, place))
        elif role == "tool":
            yield "user", tool_result(message, place)
        elif role not in SYSTEM:
            raise InvalidModelRequestError(
                f"{place} has a role that cannot be sent to Bedrock. Use system, developer, "
                "user, assistant or tool."
            )


def _assistant_blocks(message: JsonObject, place: str) -> "list[ContentBlockTypeDef]":
    for field in ("function_call", "audio"):
        if message.get(field):
            raise InvalidModelRequestError(
                f"{place}.{field} cannot be sent to Bedrock. Send text and tool_calls."
            )
    texts = texts_of(message.get("content"), place)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        texts.append(refusal)
    blocks: list[ContentBlockTypeDef] = [{"text": text} for text in texts]
    return blocks + tool_uses(message, place)
