"""Thoughts of other servers' models in a conversation, for servers that do not take them."""

from collections.abc import Sequence

from route_switch.domain.message_pieces import THOUGHTS
from route_switch.domain.ports import JsonObject


def without_thoughts(messages: Sequence[JsonObject]) -> tuple[JsonObject, ...]:
    """Return the messages without what a model thought: another one answered, or it was asked by
    another protocol, whose clients send thoughts back."""
    return tuple(
        {name: value for name, value in message.items() if not name.startswith(THOUGHTS)}
        if message.get("role") == "assistant"
        else message
        for message in messages
    )
