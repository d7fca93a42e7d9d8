"""The parameters of Anthropic's API as those of a chat completion."""

from pydantic import JsonValue

from route_switch.api.protocols.messages.content_parts import marked, unsupported
from route_switch.api.protocols.messages.messages_schema import (
    CountTokensRequest,
    MessagesRequest,
    OutputFormat,
    Thinking,
    Tool,
    ToolChoice,
)
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject

MAX_SENT_USER = 64
"""OpenAI refuses longer names of a user. Records keep the whole name."""
EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
"""Every model that knows effort knows these three."""
LOW_BUDGET, MEDIUM_BUDGET = 4_096, 16_384
"""Thinking budgets below which the effort is low, or medium."""


def prompt_params(request: CountTokensRequest, content: JsonObject) -> JsonObject:
    """Return what a model reads besides the messages. Raise `RequestRefusedError`."""
    known = enumerate(_tools(request, content))
    tools = [_tool(tool, i, given) for i, (tool, given) in known if not _is_hidden(given, content)]
    params: JsonObject = {"tools": [*tools]} if tools else {}
    if request.tool_choice is not None and tools:
        params |= _tool_choice(request.tool_choice)
    if (form := _format(request)) is not None:
        schema: JsonObject = {"name": "answer", "schema": form.schema_, "strict": True}
        params["response_format"] = {"type": "json_schema", "json_schema": schema}
    return params | _thinking(request, content)


def chat_params(request: MessagesRequest, content: JsonObject) -> JsonObject:
    """Return everything but the messages. Raise `RequestRefusedError`."""
    user = request.metadata and request.metadata.user_id
    stops: list[JsonValue] = [*(request.stop_sequences or ())]
    given: JsonObject = {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": stops or None,
        "user": user if user and len(user) <= MAX_SENT_USER else None,
    }
    sent = {name: value for name, value in given.items() if value is not None}
    return {**sent, **prompt_params(request, content)}


def _tools(request: CountTokensRequest, content: JsonObject) -> list[tuple[Tool, JsonObject]]:
    given = content.get("tools")
    raw = [tool for tool in given if isinstance(tool, dict)] if isinstance(given, list) else []
    return [*zip(request.tools or (), raw, strict=True)]


def _is_hidden(tool: JsonObject, content: JsonObject) -> bool:
    """Whether a model must not see a tool yet: nothing in the conversation has loaded it."""
    return bool(tool.get("defer_loading")) and tool.get("name") not in _loaded(content["messages"])


def _loaded(value: JsonValue) -> set[JsonValue]:
    """Return the names of tools that blocks refer to or call."""
    if isinstance(value, list):
        return set().union(*map(_loaded, value))
    if not isinstance(value, dict):
        return set()
    name = {"tool_reference": "tool_name", "tool_use": "name"}.get(str(value.get("type")))
    return {value[name]} if name in value else _loaded(value.get("content"))


def _tool(tool: Tool, index: int, given: JsonObject) -> JsonObject:
    """Return a function. What only tunes how Anthropic's models load a tool is left out:
    `input_examples`, `eager_input_streaming`, `allowed_callers`."""
    place = f"tools[{index}]"
    if tool.type not in (None, "custom"):
        raise unsupported(
            place,
            f"has the type {tool.type[:40]!r}, which Anthropic runs or only its models know.",
            "Send a tool with a name, a description and an input_schema, and run it in the client.",
        )
    if tool.input_schema is None:
        raise RequestRefusedError(
            f"'{place}.input_schema' is missing.",
            code="missing_required_parameter",
            param=f"{place}.input_schema",
        )
    function: JsonObject = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return marked({"type": "function", "function": function}, given)


def _tool_choice(choice: ToolChoice) -> JsonObject:
    names: dict[str, JsonValue] = {"auto": "auto", "any": "required", "none": "none"}
    if choice.type == "tool" and choice.name is None:
        raise RequestRefusedError(
            "'tool_choice.name' is missing.",
            code="missing_required_parameter",
            param="tool_choice.name",
        )
    named: JsonObject = {"type": "function", "function": {"name": choice.name}}
    chosen: JsonObject = {"tool_choice": names.get(choice.type, named)}
    return {**chosen, "parallel_tool_calls": False} if choice.disable_parallel_tool_use else chosen


def _format(request: CountTokensRequest) -> OutputFormat | None:
    config = request.output_config
    return (config.format if config else None) or request.output_format


def _thinking(request: CountTokensRequest, content: JsonObject) -> JsonObject:
    """Return Anthropic's own field for models that know it, and the effort for all others."""
    thinking, config = request.thinking, request.output_config
    params: JsonObject = {}
    if thinking is not None and thinking.type != "disabled":
        params["thinking"] = content["thinking"]
    effort = EFFORTS[config.effort] if config and config.effort else _effort(thinking)
    if effort is not None:
        params["reasoning_effort"] = effort
    return params


def _effort(thinking: Thinking | None) -> str | None:
    if thinking is None or thinking.type != "enabled" or thinking.budget_tokens is None:
        return None
    if thinking.budget_tokens < LOW_BUDGET:
        return "low"
    return "medium" if thinking.budget_tokens < MEDIUM_BUDGET else "high"
