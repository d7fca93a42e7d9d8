"""Tools of the Responses API as chat functions, and the names by which an answer finds them.

Every provider knows functions. So a custom tool becomes a function with one text, a client's
`tool_search` a function with its own parameters, and the tools of a namespace functions whose names
begin with it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from pydantic import JsonValue

from route_switch.api.client_call import ToolName
from route_switch.api.protocols.responses.response_refusals import invalid, shown, unsupported
from route_switch.domain.ports import JsonObject

MAX_NAME_LENGTH = 64
"""The limit of OpenAI and of Bedrock."""
TOOL_SEARCH = "tool_search"
HOSTED = (
    "it would run at OpenAI, and this router runs no tools. Remove it, or declare a function that "
    "your program runs"
)


@dataclass(slots=True)
class OfferedTools:
    """`functions` has chat tools by their chat name, `names` the tools that they stand for. A
    sentence in `left_out` names what was not passed on."""

    functions: dict[str, JsonObject] = field(default_factory=dict)
    names: dict[str, ToolName] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, tool: ToolName, function: JsonObject, given: JsonObject, place: str) -> None:
        name = chat_name(tool.name, tool.namespace)
        if self.names.get(name, tool) != tool:
            raise invalid(place, "has a name that another tool has as well. Rename one of them")
        self.names[name] = tool
        known = {key: value for key, value in function.items() if value is not None}
        translated: JsonObject = {"type": "function", "function": {"name": name, **known}}
        if isinstance(mark := given.get("cache_control"), dict):
            translated["cache_control"] = mark
        self.functions[name] = translated


def chat_name(name: str, namespace: str | None = None) -> str:
    """Return the name of a tool's function: the same for its declaration and all of its calls."""
    if namespace is None:
        return name
    joined = re.sub(r"[^a-zA-Z0-9_-]", "_", f"{namespace}__{name}")
    if len(joined) <= MAX_NAME_LENGTH:
        return joined
    return f"{joined[: MAX_NAME_LENGTH - 9]}_{sha256(joined.encode()).hexdigest()[:8]}"


def offered_tools(content: JsonObject) -> OfferedTools:
    """Return the tools of a request: its own, and those that items of its input add."""
    offered = OfferedTools()
    for place, tool in _declared(content):
        _offer(offered, tool, place)
    return offered


def _declared(content: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    tools, items = content.get("tools"), content.get("input")
    if isinstance(tools, list):
        yield from ((f"tools[{n}]", tool) for n, tool in enumerate(tools))
    for index, item in enumerate(items if isinstance(items, list) else ()):
        match item:
            case {"type": "additional_tools" | "tool_search_output", "tools": list(added)}:
                yield from ((f"input[{index}].tools[{n}]", tool) for n, tool in enumerate(added))


def _offer(
    offered: OfferedTools, tool: JsonValue, place: str, namespace: str | None = None
) -> None:
    if not isinstance(tool, dict):
        raise invalid(place, 'must be a tool, such as {"type": "function", "name": "…"}')
    match tool:
        case {"type": "function", "name": str(name)}:
            fields = ("description", "parameters", "strict")
            known: JsonObject = {k: tool[k] for k in fields if tool.get(k)}
            offered.add(ToolName("function", name, namespace), known, tool, place)
        case {"type": "custom", "name": str(name)}:
            offered.add(ToolName("custom", name, namespace), _one_text(tool), tool, place)
        case {"type": "namespace", "name": str(name), "tools": list(tools)} if namespace is None:
            for index, inner in enumerate(tools):
                _offer(offered, inner, f"{place}.tools[{index}]", name)
        case {"type": "tool_search", "execution": "client"}:
            known = {k: tool[k] for k in ("description", "parameters") if tool.get(k)}
            offered.add(ToolName("tool_search", TOOL_SEARCH), known, tool, place)
        case _:
            _leave_out(offered, tool, place)


def _leave_out(offered: OfferedTools, tool: JsonObject, place: str) -> None:
    """Note a tool that a client sends by default, and refuse any other that cannot be called."""
    match tool:
        case {"type": "tool_search"}:
            offered.left_out.append(f"{place}: tool_search, since all tools are sent to the model")
        case {"type": "web_search", "external_web_access": bool()}:  # as Codex offers it
            offered.left_out.append(f"{place}: web_search, since this router runs no tools")
        case {"type": "function" | "custom" | "namespace"}:
            raise invalid(place, "must have a 'name', and a namespace its 'tools'")
        case _:
            kind = shown(tool.get("type"))
            raise unsupported(place, f"a tool {kind} cannot be called: {HOSTED}")


def _one_text(tool: JsonObject) -> JsonObject:
    """Return the function of a custom tool, whose input is a text. A grammar becomes a part of its
    description: few providers can enforce one."""
    texts = [tool.get("description")]
    match tool.get("format"):
        case {"type": "grammar", "syntax": str(syntax), "definition": str(definition)}:
            texts.append(f"The input must follow this {syntax} grammar:\n{definition}")
    schema: JsonObject = {
        "type": "object",
        "properties": {"input": {"type": "string", "description": "The tool's input, verbatim"}},
        "required": ["input"],
        "additionalProperties": False,
    }
    said = "\n\n".join(text for text in texts if isinstance(text, str) and text)
    return {"description": said or None, "parameters": schema}
