"""Requests of OpenAI's Responses API."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.api.protocols.responses.response_input import chat_messages
from route_switch.api.protocols.responses.response_params import chat_params
from route_switch.api.protocols.responses.response_tools import (
    OfferedTools,
    offered_tools,
    tool_params,
)
from route_switch.domain.ports import JsonObject


@dataclass(frozen=True, slots=True)
class Translation:
    """A request in chat form. A sentence in `left_out` names each part that is not passed on."""

    messages: tuple[JsonObject, ...]
    params: JsonObject
    tools: OfferedTools
    left_out: tuple[str, ...]


def translated(content: JsonObject) -> Translation:
    """Raise `RequestRefusedError` for what cannot be kept."""
    tools = offered_tools(content)
    messages, left_out = chat_messages(content)
    params = chat_params(content) | tool_params(content, tools)
    return Translation(messages, params, tools, (*tools.left_out, *left_out))
