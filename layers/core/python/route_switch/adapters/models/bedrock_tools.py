"""Translate tools, tool calls and their results from OpenAI's format into Bedrock's."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import JsonValue

from route_switch.adapters.models.bedrock_cache import point_after
from route_switch.adapters.models.bedrock_content import texts_of
from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.ports import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.type_defs import (
        ContentBlockTypeDef,
        ContentBlockUnionTypeDef,
        MessageTypeDef,
        ToolChoiceTypeDef,
        ToolConfigurationTypeDef,
        ToolTypeDef,
    )

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""The ids that every model on Bedrock accepts. Some also accept dots and colons."""


def tool_config(params: Mapping[str, JsonValue]) -> "ToolConfigurationTypeDef | None":
    """Return None when no tool may be called: Bedrock has no tool choice `none`."""
    tools, choice = params.get("tools"), params.get("tool_choice")
    if not tools:
        if choice not in (None, "auto", "none"):
            raise InvalidModelRequestError(
                "'tool_choice' requires a tool, but 'tools' is empty. Add the tool, or remove "
                "'tool_choice'."
            )
        return None
    if not isinstance(tools, list):
        raise InvalidModelRequestError("'tools' must be an array.")
    specs = [
        block for index, tool in enumerate(tools) for block in _blocks(tool, f"tools[{index}]")
    ]
    if choice == "none":
        return None
    config: ToolConfigurationTypeDef = {"tools": specs}
    # `auto` is Bedrock's default, and not every model supports the field.
    if choice not in (None, "auto"):
        config["toolChoice"] = _tool_choice(choice)
    return config


def _blocks(tool: JsonValue, place: str) -> "list[ToolTypeDef]":
    """Return a tool, and the cache point after it, if it asks for one."""
    blocks = [_tool(tool, place)]
    function = tool.get("function") if isinstance(tool, dict) else None
    holders = [holder for holder in (tool, function) if isinstance(holder, dict)]
    points = [point for holder in holders if (point := point_after(holder))]
    return [*blocks, {"cachePoint": points[0]}] if points else blocks


def _tool(tool: JsonValue, place: str) -> "ToolTypeDef":
    match tool:
        case {"type": "function", "function": {"name": str(name), **function}} if name:
            schema = function.get("parameters")
        case _:
            raise InvalidModelRequestError(
                f"{place} must be a function with a name; Bedrock supports no other tools."
            )
    schema = {} if schema is None else schema
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise InvalidModelRequestError(
            f"{place}.function.parameters must be the JSON schema of an object."
        )
    spec: ToolTypeDef = {
        "toolSpec": {
            "name": name,
            "inputSchema": {"json": {"type": "object", "properties": {}, **schema}},
        }
    }
    description = function.get("description")
    if isinstance(description, str) and description.strip():
        spec["toolSpec"]["description"] = description
    return spec


def _tool_choice(choice: JsonValue) -> "ToolChoiceTypeDef":
    match choice:
        case "required":
            return {"any": {}}
        case {"type": "function", "function": {"name": str(name)}} if name:
            return {"tool": {"name": name}}
    raise InvalidModelRequestError(
        "For Bedrock, 'tool_choice' must be auto, none, required or one function."
    )


def tool_uses(message: JsonObject, place: str) -> "list[ContentBlockTypeDef]":
    """Return the tool calls of an assistant message."""
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise InvalidModelRequestError(f"{place}.tool_calls must be an array.")
    return [_tool_use(call, f"{place}.tool_calls[{i}]") for i, call in enumerate(calls)]


def _tool_use(call: JsonValue, place: str) -> "ContentBlockTypeDef":
    match call:
        case {"id": str(id_), "function": {"name": str(name), "arguments": str(arguments)}} if name:
            tool_input = _parse_arguments(arguments, f"{place}.function.arguments")
            return {"toolUse": {"toolUseId": _tool_use_id(id_), "name": name, "input": tool_input}}
    raise InvalidModelRequestError(
        f"{place} must be a function call with an id, a name and arguments."
    )


def _parse_arguments(arguments: str, place: str) -> JsonObject:
    try:
        value: JsonValue = json.loads(arguments) if arguments else {}
        json.dumps(value, allow_nan=False)  # Python accepts NaN and 1e999, which are not JSON.
    except (ValueError, RecursionError) as error:
        raise InvalidModelRequestError(f"{place} is not valid JSON.") from error
    if not isinstance(value, dict):
        raise InvalidModelRequestError(f"{place} must be a JSON object.")
    return value


def tool_result(message: JsonObject, place: str) -> "ContentBlockTypeDef":
    """Translate a `tool` message. Bedrock rejects blank texts, so an empty result says that it is
    empty."""
    id_ = message.get("tool_call_id")
    if not isinstance(id_, str):
        raise InvalidModelRequestError(f"{place} must have a tool_call_id.")
    texts = texts_of(message.get("content"), place) or ["(no output)"]
    return {
        "toolResult": {
            "toolUseId": _tool_use_id(id_),
            "content": [{"text": text} for text in texts],
        }
    }


def _tool_use_id(id_: str) -> str:
    """Return the id, or a substitute if Bedrock does not accept it: the conversation may come from
    a model with other ids."""
    return id_ if _ID.fullmatch(id_) else f"call_{sha256(id_.encode()).hexdigest()[:32]}"


def require_results(turns: "Sequence[MessageTypeDef]") -> None:
    """Reject a conversation whose tool calls and results do not match. Bedrock requires exactly one
    result per call, at the start of the next turn."""
    called: list[str] = []
    for turn in turns:
        content = [block for block in turn["content"] if "cachePoint" not in block]
        results = [b["toolResult"]["toolUseId"] for b in content if "toolResult" in b]
        come_first = all("toolResult" in block for block in content[: len(results)])
        if sorted(results) != sorted(called) or not come_first:
            break
        called = [b["toolUse"]["toolUseId"] for b in turn["content"] if "toolUse" in b]
        if len(set(called)) < len(called):
            break
    else:
        if not called:
            return
    raise InvalidModelRequestError(
        "Every tool call must have a unique id and exactly one 'tool' message right after it, and "
        "every 'tool' message must answer a tool call."
    )


def tool_calls_as_text(turns: "Sequence[MessageTypeDef]") -> "list[MessageTypeDef]":
    """Return the conversation with its tool calls and results as text.

    Bedrock rejects such blocks when no tools are declared, and may call any declared tool. So this
    is how a conversation continues when tools were called before but none may be called now.
    """
    return [
        {"role": turn["role"], "content": [_as_text(block) for block in turn["content"]]}
        for turn in turns
    ]


def _as_text(block: "ContentBlockUnionTypeDef") -> "ContentBlockUnionTypeDef":
    if "toolUse" in block:
        use = block["toolUse"]
        arguments = json.dumps(use["input"], ensure_ascii=False)
        return {"text": f"[Tool call {use['toolUseId']}: {use['name']} {arguments}]"}
    if "toolResult" in block:
        result = block["toolResult"]
        texts = "\n".join(content["text"] for content in result["content"])
        return {"text": f"[Result of tool call {result['toolUseId']}:]\n{texts}"}
    return block
