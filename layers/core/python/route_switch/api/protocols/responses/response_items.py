"""The output items of a response while they are written, and their events.

Each item yields its events without a sequence number, and has a `snapshot` for the response. The
order of events is OpenAI's: an item is added, then its parts with their deltas, then everything is
done from the inside out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from route_switch.api.client_call import ToolName
from route_switch.domain.call_arguments import CallArguments
from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.ports import JsonObject

Status = Literal["completed", "incomplete"]


@dataclass(slots=True)
class ReasoningItem:
    """A model's thoughts, as a summary. With `keeps_state`, the item carries what its provider
    wants back."""

    id: str
    index: int
    texts: list[str] = field(default_factory=list)
    encrypted_content: str | None = None
    snapshot: JsonObject = field(default_factory=dict)

    def begin(self) -> Iterator[JsonObject]:
        yield _added(self.index, {"id": self.id, "type": "reasoning", "summary": []})

    def think(self, text: str) -> Iterator[JsonObject]:
        if not self.texts:
            part: JsonObject = {"type": "summary_text", "text": ""}
            yield self._event("reasoning_summary_part.added", part=part)
        self.texts.append(text)
        yield self._event("reasoning_summary_text.delta", delta=text)

    def end(self, _: Status) -> Iterator[JsonObject]:
        text = "".join(self.texts)
        summary: list[JsonValue] = []
        if self.texts:
            yield self._event("reasoning_summary_text.done", text=text)
            part: JsonObject = {"type": "summary_text", "text": text}
            yield self._event("reasoning_summary_part.done", part=part)
            summary.append(part)
        item: JsonObject = {"id": self.id, "type": "reasoning", "summary": summary}
        if self.encrypted_content is not None:
            item["encrypted_content"] = self.encrypted_content
        self.snapshot = item
        yield _done(self.index, item)

    def _event(self, kind: str, **more: JsonValue) -> JsonObject:
        place: JsonObject = {"item_id": self.id, "output_index": self.index, "summary_index": 0}
        return {"type": f"response.{kind}", **place, **more}


@dataclass(slots=True)
class MessageItem:
    """A message with a text, a refusal, or one after the other."""

    id: str
    index: int
    snapshot: JsonObject = field(default_factory=dict)
    _parts: list[JsonValue] = field(default_factory=list)
    _kind: str = ""
    _texts: list[str] = field(default_factory=list)
    _logprobs: list[JsonValue] = field(default_factory=list)
    _annotations: list[JsonValue] = field(default_factory=list)

    def begin(self) -> Iterator[JsonObject]:
        yield _added(self.index, self._item([], "in_progress"))

    def say(self, text: str, logprobs: list[JsonValue]) -> Iterator[JsonObject]:
        yield from self._part("output_text")
        self._texts.append(text)
        self._logprobs += logprobs
        yield self._event("output_text.delta", delta=text, logprobs=logprobs)

    def refuse(self, text: str) -> Iterator[JsonObject]:
        yield from self._part("refusal")
        self._texts.append(text)
        yield self._event("refusal.delta", delta=text)

    def cite(self, annotation: JsonValue) -> Iterator[JsonObject]:
        yield from self._part("output_text")
        number = len(self._annotations)
        self._annotations.append(annotation)
        yield self._event(
            "output_text.annotation.added", annotation=annotation, annotation_index=number
        )

    def end(self, status: Status) -> Iterator[JsonObject]:
        if not self._kind:
            yield from self._part("output_text")
        yield from self._end_part()
        self.snapshot = self._item(self._parts, status)
        yield _done(self.index, self.snapshot)

    def _part(self, kind: str) -> Iterator[JsonObject]:
        """Make the part the open one."""
        if kind == self._kind:
            return
        yield from self._end_part()
        self._kind, self._texts, self._logprobs, self._annotations = kind, [], [], []
        yield self._event("content_part.added", part=self._open_part())

    def _end_part(self) -> Iterator[JsonObject]:
        if not self._kind:
            return
        text = "".join(self._texts)
        if self._kind == "refusal":
            yield self._event("refusal.done", refusal=text)
        else:
            yield self._event("output_text.done", text=text, logprobs=[*self._logprobs])
        part = self._open_part()
        yield self._event("content_part.done", part=part)
        self._parts.append(part)

    def _open_part(self) -> JsonObject:
        text = "".join(self._texts)
        if self._kind == "refusal":
            return {"type": "refusal", "refusal": text}
        said: JsonObject = {"type": "output_text", "text": text}
        return {**said, "annotations": [*self._annotations], "logprobs": [*self._logprobs]}

    def _item(self, content: list[JsonValue], status: str) -> JsonObject:
        head: JsonObject = {"id": self.id, "type": "message", "status": status}
        return {**head, "role": "assistant", "content": [*content]}

    def _event(self, kind: str, **more: JsonValue) -> JsonObject:
        part = len(self._parts)
        place: JsonObject = {"item_id": self.id, "output_index": self.index, "content_index": part}
        return {"type": f"response.{kind}", **place, **more}


@dataclass(slots=True)
class CallItem:
    """A call of one of the client's tools."""

    id: str
    index: int
    call_id: str
    tool: ToolName
    snapshot: JsonObject = field(default_factory=dict)
    _arguments: CallArguments = field(default_factory=CallArguments)

    def begin(self) -> Iterator[JsonObject]:
        yield _added(self.index, self._item("", "in_progress"))

    def add(self, piece: str) -> Iterator[JsonObject]:
        """Add arguments. A custom tool's text is sent at the end, when its JSON is whole."""
        self._arguments.add(piece)
        if self.tool.kind == "function":
            yield self._event("function_call_arguments.delta", delta=piece)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are an object that is closed."""
        return self._arguments.is_whole

    def end(self, status: Status) -> Iterator[JsonObject]:
        arguments = self._arguments.text
        if self.tool.kind == "function":
            name = self.tool.name
            yield self._event("function_call_arguments.done", name=name, arguments=arguments)
        elif self.tool.kind == "custom":
            text = _input_of(arguments)
            yield self._event("custom_tool_call_input.delta", delta=text)
            yield self._event("custom_tool_call_input.done", input=text)
        self.snapshot = self._item(arguments, "completed" if self.is_whole else status)
        yield _done(self.index, self.snapshot)

    def _item(self, arguments: str, status: str) -> JsonObject:
        item: JsonObject = {"id": self.id, "call_id": self.call_id, "status": status}
        if self.tool.kind == "tool_search":
            return {
                **item,
                "type": "tool_search_call",
                "execution": "client",
                "arguments": _parsed(arguments),
            }
        item["name"] = self.tool.name
        if self.tool.namespace is not None:
            item["namespace"] = self.tool.namespace
        if self.tool.kind == "custom":
            return {**item, "type": "custom_tool_call", "input": _input_of(arguments)}
        return {**item, "type": "function_call", "arguments": arguments}

    def _event(self, kind: str, **more: JsonValue) -> JsonObject:
        place: JsonObject = {"item_id": self.id, "output_index": self.index}
        return {"type": f"response.{kind}", **place, **more}


Item = ReasoningItem | MessageItem | CallItem


def _added(index: int, item: JsonObject) -> JsonObject:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def _done(index: int, item: JsonObject) -> JsonObject:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def _parsed(arguments: str) -> JsonValue:
    try:
        return parse_json(arguments) if arguments else {}
    except InvalidJsonError:
        return arguments


def _input_of(arguments: str) -> str:
    """Return a custom tool's text. A model may forget how it is wrapped."""
    match _parsed(arguments):
        case {"input": str(text)}:
            return text
        case str(text):
            return text
        case {**fields} if len(fields) == 1 and isinstance(
            only := next(iter(fields.values())), str
        ):
            return only
    return "" if arguments in ("", "{}") else arguments
