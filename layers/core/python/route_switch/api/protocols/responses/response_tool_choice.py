"""Which tools a Responses request lets the model call, as fields of a chat request."""

from collections.abc import Mapping

from pydantic import JsonValue

from route_switch.api.protocols.responses.response_refusals import invalid, shown, unsupported
from route_switch.api.protocols.responses.response_tools import HOSTED, OfferedTools
from route_switch.domain.ports import JsonObject

_PLAIN = ("auto", "none", "required")
_KINDS = ("function", "custom")
Choice = tuple[str, str, str | None]
"""A tool's kind, its name, and its namespace or None."""


def tool_params(content: JsonObject, offered: OfferedTools) -> JsonObject:
    """Return the fields of a chat request that are about tools. Allowed tools are the only ones
    that are sent, which every provider obeys."""
    choice, functions = content.get("tool_choice"), offered.functions
    if not isinstance(choice, dict):
        if choice is not None and choice not in _PLAIN:
            raise invalid("tool_choice", "must be auto, none, required, a tool, or allowed_tools")
        return _fields(functions, choice, content)
    match choice:
        case {"type": "allowed_tools", "mode": "auto" | "required" as mode, "tools": list(allowed)}:
            known = _names_by_choice(offered)
            names = [
                _chosen(each, known, f"tool_choice.tools[{n}]") for n, each in enumerate(allowed)
            ]
            return _fields({name: functions[name] for name in names}, mode, content)
        case {"type": "allowed_tools"}:
            raise invalid("tool_choice", "must have a 'mode', auto or required, and its 'tools'")
    name = _chosen(choice, _names_by_choice(offered), "tool_choice")
    return _fields(functions, {"type": "function", "function": {"name": name}}, content)


def _fields(functions: dict[str, JsonObject], choice: JsonValue, content: JsonObject) -> JsonObject:
    if not functions:
        if choice == "required":
            raise invalid("tool_choice", "requires a tool, but there is none. Add it to 'tools'")
        return {}
    params: JsonObject = {"tools": [*functions.values()]}
    if choice is not None and choice != "auto":
        params["tool_choice"] = choice
    if content.get("parallel_tool_calls") is False:  # true is every provider's default
        params["parallel_tool_calls"] = False
    return params


def _names_by_choice(offered: OfferedTools) -> dict[Choice, str]:
    """Return chat names by how a request may choose their tools. Without a namespace, the first
    tool of that name is meant."""
    names: dict[Choice, str] = {}
    for chat, tool in offered.names.items():
        for namespace in (tool.namespace, None):
            names.setdefault((tool.kind, tool.name, namespace), chat)
    return names


def _chosen(choice: JsonValue, known: Mapping[Choice, str], place: str) -> str:
    """Return the chat name of a tool that the request names."""
    if not isinstance(choice, dict):
        raise invalid(place, "must be a tool with its 'type' and its 'name'")
    kind, name, namespace = (choice.get(n) for n in ("type", "name", "namespace"))
    if kind not in _KINDS:
        raise unsupported(place, f"a tool {shown(kind)} cannot be called: {HOSTED}")
    if isinstance(name, str) and (namespace is None or isinstance(namespace, str)):
        chat = known.get((str(kind), name, namespace))
        if chat is not None:
            return chat
    raise invalid(place, "names a tool that is not among 'tools'. Add it, or name another")
