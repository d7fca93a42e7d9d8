"""Puts an assistant message together from the deltas of a stream."""

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject

_JOINED = frozenset({"content", "reasoning_content", "reasoning", "thinking", "refusal"})
"""Texts that come in pieces. Lists are extended; any other field replaces the earlier one."""


class MessagePieces:
    """Pieces are joined at the end: adding to a text that grows would take quadratic time."""

    def __init__(self) -> None:
        self._fields: JsonObject = {}
        self._texts: dict[str, list[str]] = {}
        self._function: _Function | None = None
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[str, _Call] = {}

    def add(self, delta: JsonObject) -> None:
        for name, value in delta.items():
            before = self._fields.get(name)
            if name in _JOINED and isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
            elif name == "tool_calls" and isinstance(value, list):
                for piece in value:
                    if isinstance(piece, dict):
                        self._add_call(piece)
            elif name == "function_call" and isinstance(value, dict):
                self._function = self._function or _Function()
                self._function.add(value)
            elif isinstance(before, list) and isinstance(value, list):
                before.extend(value)
            elif value is not None:
                self._fields[name] = [*value] if isinstance(value, list) else value

    def _add_call(self, piece: JsonObject) -> None:
        """A new id begins a new call, whatever index it has. A piece without an id continues the
        last call with its index; without an index, the last call."""
        number, index = (None if (v := piece.get(n)) in (None, "") else str(v) for n in _NAMES)
        if number is not None:
            call = self._by_id.get(number)
        elif index is not None:
            call = self._by_index.get(index)
        else:
            call = self._calls[-1] if self._calls else None
        if call is None:
            call = _Call(piece)
            self._calls.append(call)
        if number is not None:
            self._by_id[number] = call
        if index is not None:
            self._by_index[index] = call
        if isinstance(function := piece.get("function"), dict):
            call.function.add(function)

    def whole(self) -> JsonObject:
        message = {**self._fields, **{name: "".join(t) for name, t in self._texts.items()}}
        if self._calls:
            message["tool_calls"] = [call.whole() for call in self._calls]
        if self._function is not None:
            message["function_call"] = self._function.whole()
        return message


_NAMES = ("id", "index")


class _Function:
    def __init__(self) -> None:
        self._fields: JsonObject = {}
        self._arguments: list[str] = []

    def add(self, piece: JsonObject) -> None:
        arguments = piece.get("arguments")
        if isinstance(arguments, str):
            self._arguments.append(arguments)
            piece = {name: value for name, value in piece.items() if name != "arguments"}
        self._fields |= {name: value for name, value in piece.items() if value is not None}

    def whole(self) -> JsonObject:
        text: JsonObject = {"arguments": "".join(self._arguments)} if self._arguments else {}
        return {**self._fields, **text}


class _Call:
    def __init__(self, first: JsonObject) -> None:
        self._fields: dict[str, JsonValue] = {**first}
        self.function = _Function()

    def whole(self) -> JsonObject:
        function = self.function.whole()
        return {**self._fields, "function": function} if function else self._fields
