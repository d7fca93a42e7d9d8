"""The boundary for streams: a provider's chat completion chunks become chunks whose form this
product guarantees.

`openai_answer` has the rules for whole answers. Here, positions are numbered in order of
appearance, tool calls are told apart by their ids as well as their indexes, an error event is an
error, and a stream that stops before its end is one too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from route_switch.adapters.models.openai_answer import fields_of_answer, read_completion, usage_in
from route_switch.adapters.models.openai_message import (
    FAILED,
    has_other_parts,
    plain_reason,
    read_annotations,
    read_content,
    read_finish_reason,
    read_logprobs,
)
from route_switch.adapters.models.openai_tool_calls import ToolCallPieces, read_function
from route_switch.adapters.models.provider_errors import error_in_answer
from route_switch.adapters.models.server_events import DONE, events, looks_like_events
from route_switch.domain.errors import ModelError
from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.usage import Usage, read_usage

_CHOICE = frozenset(
    {"index", "delta", "message", "finish_reason", "logprobs", "error", "text", "usage"}
)


def read_stream(model: str, parts: Iterable[bytes]) -> Iterator[Chunk]:
    """Yield the chunks of a streamed answer as they arrive.

    A provider that answers with one JSON body instead is read as well. Raise `ModelError`, with the
    usage reported so far, for an error event and for a stream that ends early.
    """
    reader = StreamReader(model)
    for event in events(parts):
        if isinstance(event, bytes):
            yield from read_answer(model, event)
            return
        if event == DONE:
            break
        yield from reader.read(event)
    yield from reader.end()


def read_answer(model: str, content: bytes) -> Iterator[Chunk]:
    """Yield the chunks of an answer that was not to be streamed. Some servers stream without being
    asked to, and some proxies always do."""
    try:
        answer = parse_json(content)
    except InvalidJsonError:
        if looks_like_events(content):
            yield from _read_unasked(model, content)
            return
        answer = None
    yield from read_completion(model, answer)


def _read_unasked(model: str, content: bytes) -> Iterator[Chunk]:
    """Yield the chunks of a whole stream, its choices in the order of their indexes. Its last event
    ends all of them."""
    reader, is_done = StreamReader(model), False
    chunks: list[Chunk] = []
    for event in events([content]):
        is_done = event == DONE
        if not is_done and not isinstance(event, bytes):
            chunks += reader.read(event)
    chunks += reader.end(was_announced=is_done)
    ranks = reader.ranks()
    yield from (replace(chunk, index=ranks.get(chunk.index, 0)) for chunk in chunks)


class StreamReader:
    """Reads the events of one answer."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._choices: dict[JsonValue, _Choice] = {}
        self._usage: Usage | None = None

    def read(self, event: JsonValue) -> Iterator[Chunk]:
        if isinstance(event, list) and len(event) == 1:
            [event] = event
        if not isinstance(event, dict):
            return
        usage = read_usage(usage_in(event))
        self._usage = usage or self._usage
        if event.get("error") or event.get("object") == "error":
            error: JsonObject = event if event.get("error") else {"error": event}
            raise error_in_answer(self._model, error, self._usage)
        choices = event.get("choices")
        # The usage arrives with the last choice, or in an event of its own.
        of_all = fields_of_answer(event, usage)
        read = [
            chunk
            for choice in (choices if isinstance(choices, list) else ())
            if isinstance(choice, dict)
            for chunk in self._chunks(choice)
        ]
        if not read and (of_all["usage"] or of_all["extra"]):
            read = [Chunk({})]
        for position, chunk in enumerate(read):
            yield replace(chunk, **of_all) if position == 0 else chunk

    def end(self, *, was_announced: bool = False) -> Iterator[Chunk]:
        """Raise `ModelError` if a choice has not ended, unless its end `was_announced`, or if there
        was no choice."""
        if not self._choices:
            raise ModelError(
                f"{self._model} answered without a choice that can be used", usage=self._usage
            )
        open_choices = [c for c in self._choices.values() if c.finish_reason is None]
        if open_choices and not was_announced:
            raise ModelError(f"{self._model} broke off its answer", usage=self._usage)
        for choice in open_choices:
            reason = read_finish_reason(None, choice.seen)
            yield Chunk(choice.rest(), choice.position, reason)

    def ranks(self) -> dict[int, int]:
        """Return the place of each position in the order of the provider's own indexes."""
        ordered = sorted(self._choices, key=_in_order)
        return {self._choices[key].position: rank for rank, key in enumerate(ordered)}

    def _chunks(self, choice: JsonObject) -> Iterator[Chunk]:
        if choice.get("error"):
            raise error_in_answer(self._model, {"error": choice["error"]}, self._usage)
        index = choice.get("index")
        known = self._choices.setdefault(
            index if isinstance(index, int | str) else 0, _Choice(len(self._choices))
        )
        reason = choice.get("finish_reason")
        if reason is not None and plain_reason(reason) in FAILED:
            raise ModelError(f"{self._model} broke off its answer with an error", usage=self._usage)
        delta = known.read(choice)
        if reason is not None:
            known.finish_reason = read_finish_reason(reason, known.seen)
            delta = {**delta, **known.rest()}
        extra: JsonObject = {k: v for k, v in choice.items() if k not in _CHOICE and v is not None}
        logprobs = read_logprobs(choice.get("logprobs"))
        ends = known.finish_reason if reason is not None else None
        if delta or logprobs or extra or ends:
            yield Chunk(delta, known.position, ends, logprobs, choice_extra=extra)


def _in_order(index: JsonValue) -> tuple[bool, float, str]:
    is_number = isinstance(index, int | float)
    return not is_number, index if isinstance(index, int | float) else 0, str(index)


class _Choice:
    """What is known of a choice: its position, its tool calls, and how it ended."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.finish_reason: str | None = None
        self.seen: dict[str, JsonValue] = {}
        """Kinds of calls that the message has."""
        self._calls = ToolCallPieces()
        self._lists: dict[str, int] = {}
        """How many entries of each list have come: clients put lists together by index."""
        self._held: dict[str, str] = {}
        """Halves of characters whose other half comes with the next piece."""

    def read(self, choice: JsonObject) -> JsonObject:
        given = choice.get("delta") or choice.get("message")
        given = given if isinstance(given, dict) else {}
        content = given.get("content")
        read: JsonObject = {k: v for k, v in given.items() if v is not None and k not in _READ}
        text, thought = read_content(content)
        if thought:
            read.setdefault("reasoning_content", thought)
        if has_other_parts(content):
            read["content_parts"] = content
        if isinstance(text, str):
            read["content"] = text
        read |= {n: given[n] for n in ("refusal", "audio") if given.get(n)}
        if annotations := [*read_annotations(given.get("annotations"))]:
            read["annotations"] = [*annotations]
        if calls := self._calls.read(given.get("tool_calls")):
            read["tool_calls"] = self.seen["tool_calls"] = calls
        if isinstance(function := given.get("function_call"), dict):
            read["function_call"] = self.seen["function_call"] = read_function(function)
        return {name: self._whole(name, value) for name, value in read.items()}

    def rest(self) -> JsonObject:
        """Return what the end of the choice completes."""
        calls = self._calls.rest()
        return {"tool_calls": calls} if calls else {}

    def _whole(self, name: str, value: JsonValue) -> JsonValue:
        """Hold back half a surrogate pair at the end of a text, and number the entries of lists."""
        if isinstance(value, dict):
            return {each: self._whole(f"{name}.{each}", inner) for each, inner in value.items()}
        if isinstance(value, list) and name != "tool_calls":
            return [self._numbered(name, entry) for entry in value]
        if not isinstance(value, str):
            return value
        value = self._held.pop(name, "") + value
        if "\ud800" <= value[-1:] <= "\udbff":
            self._held[name] = value[-1]
            return value[:-1]
        return value

    def _numbered(self, name: str, entry: JsonValue) -> JsonValue:
        if not isinstance(entry, dict) or "index" in entry:
            return entry
        position = self._lists.get(name, 0)
        # A thinking block comes in pieces, of which the last has the signature.
        if not name.endswith("thinking_blocks") or entry.get("signature"):
            self._lists[name] = position + 1
        return {"index": position, **entry}


_READ = ("role", "content", "refusal", "audio", "annotations", "tool_calls", "function_call")
