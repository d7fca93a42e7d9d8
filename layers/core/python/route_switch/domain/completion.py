"""A whole answer, assembled from the chunks that a model client yields."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from route_switch.domain.errors import ModelError
from route_switch.domain.json_values import InvalidJsonError, valid_json, valid_text
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the `n` alternatives of an answer; `message` is an OpenAI assistant message.

    `extra` holds the provider's further fields of the choice.
    """

    index: int
    message: JsonObject
    finish_reason: str
    logprobs: JsonValue = None
    extra: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer. `usage` is None if the provider reported no tokens.

    `extra` holds the provider's further fields; `adjusted` has a note for each parameter that was
    changed to fit the model.
    """

    choices: tuple[Choice, ...]
    usage: Usage | None
    provider_model: str | None = None
    provider_usage: JsonObject | None = None
    system_fingerprint: str | None = None
    extra: JsonObject = field(default_factory=dict)
    adjusted: tuple[str, ...] = ()

    @property
    def message(self) -> JsonObject:
        """The first choice's message."""
        return self.choices[0].message

    @property
    def text(self) -> str:
        """The first choice's text; empty if it only calls tools."""
        content = self.message.get("content")
        return content if isinstance(content, str) else ""

    @property
    def calls_tools(self) -> bool:
        message = self.choices[0].message
        return bool(message.get("tool_calls") or message.get("function_call"))


def complete(chunks: Iterable[Chunk]) -> Completion:
    """Assemble an answer from its chunks. Raise `ModelError` if there is no choice."""
    builder = CompletionBuilder()
    for chunk in chunks:
        builder.add(chunk)
    return builder.build()


class CompletionBuilder:
    """Assembles chunks: joins what arrives in pieces, and lets other fields replace earlier ones.

    Whatever client the chunks come from, text and numbers are valid everywhere (`json_values`).
    """

    def __init__(self) -> None:
        self._choices: dict[int, Choice] = {}
        self._ended: set[int] = set()
        self._texts: dict[int, list[str]] = {}
        """Pieces of a choice's text that are not in its message yet. Joining each at once would
        copy the whole text for each."""
        self._last = Chunk({})

    @property
    def adjusted(self) -> tuple[str, ...]:
        """What was changed of the request, as far as it is known."""
        return self._last.adjusted

    def add(self, chunk: Chunk) -> Chunk:
        """Add a chunk and return it with valid text and numbers; raise `ModelError` if it cannot
        be made valid."""
        chunk = _valid(chunk)
        text = _only_text(chunk)
        if text is not None and chunk.index in self._choices:
            self._texts.setdefault(chunk.index, []).append(text)
        elif chunk.delta or chunk.finish_reason or chunk.choice_extra:
            self._add_to_choice(chunk)
        last = self._last
        self._last = Chunk(
            {},
            usage=chunk.usage or last.usage,
            provider_model=chunk.provider_model or last.provider_model,
            provider_usage=chunk.provider_usage or last.provider_usage,
            system_fingerprint=chunk.system_fingerprint or last.system_fingerprint,
            extra={**last.extra, **chunk.extra},
            adjusted=chunk.adjusted or last.adjusted,
        )
        return chunk

    def _add_to_choice(self, chunk: Chunk) -> None:
        self._join_texts(chunk.index)
        if chunk.finish_reason is not None:
            self._ended.add(chunk.index)
        before = self._choices.get(chunk.index, Choice(chunk.index, {"role": "assistant"}, "stop"))
        self._choices[chunk.index] = Choice(
            chunk.index,
            merged_message(before.message, chunk.delta),
            chunk.finish_reason or before.finish_reason,
            _merged_logprobs(before.logprobs, chunk.logprobs),
            {**before.extra, **chunk.choice_extra},
        )

    def _join_texts(self, index: int) -> None:
        if texts := self._texts.pop(index, None):
            choice = self._choices[index]
            joined: JsonObject = {"content": "".join(texts)}
            self._choices[index] = replace(choice, message=merged_message(choice.message, joined))

    @property
    def usage(self) -> Usage | None:
        """What has been reported so far."""
        return self._last.usage

    @property
    def has_ended(self) -> bool:
        """Whether each choice that has begun has its end."""
        return bool(self._choices) and self._ended >= self._choices.keys()

    @property
    def has_choices(self) -> bool:
        return bool(self._choices)

    def build(self) -> Completion:
        """Return the answer so far; raise `ModelError` if it has no choice."""
        if not self._choices:
            raise ModelError(
                "The model answered without a choice. Check that it serves chat requests.",
                usage=self.usage,
            )
        for index in tuple(self._texts):
            self._join_texts(index)
        last = self._last
        return Completion(
            tuple(self._choices[index] for index in sorted(self._choices)),
            last.usage,
            last.provider_model,
            last.provider_usage,
            last.system_fingerprint,
            last.extra,
            last.adjusted,
        )


def _only_text(chunk: Chunk) -> str | None:
    """Return the chunk's text if it says nothing else of its choice."""
    text = chunk.delta.get("content")
    more = len(chunk.delta) > 1 or chunk.finish_reason or chunk.logprobs or chunk.choice_extra
    return text if isinstance(text, str) and not more else None


def _valid(chunk: Chunk) -> Chunk:
    try:
        return replace(
            chunk,
            delta=_object(chunk.delta),
            logprobs=valid_json(chunk.logprobs),
            provider_model=chunk.provider_model and valid_text(chunk.provider_model),
            provider_usage=chunk.provider_usage and _object(chunk.provider_usage),
            system_fingerprint=chunk.system_fingerprint and valid_text(chunk.system_fingerprint),
            extra=_object(chunk.extra),
            choice_extra=_object(chunk.choice_extra),
        )
    except InvalidJsonError as error:
        raise ModelError(f"The answer is not valid JSON: {error}", usage=chunk.usage) from error


def _object(value: JsonObject) -> JsonObject:
    return {valid_text(name): valid_json(each) for name, each in value.items()}


def merged_message(message: JsonObject, delta: JsonObject) -> JsonObject:
    """Return an assistant message with a delta added, as OpenAI's clients put them together."""
    merged = dict(message)
    for name, new in delta.items():
        before = merged.get(name)
        if isinstance(new, list):
            merged[name] = _merged_entries(before if isinstance(before, list) else [], new)
        elif isinstance(before, str) and isinstance(new, str) and _is_text(name):
            merged[name] = before + new
        elif isinstance(before, dict) and isinstance(new, dict):
            merged[name] = merged_message(before, new)
        elif new is not None or name not in merged:
            merged[name] = new
    return merged


_TEXTS = ("content", "refusal", "arguments", "data", "transcript", "signature")
THOUGHTS = ("reasoning", "thinking")
"""What the names of a message's thoughts begin with."""


def _is_text(name: str) -> bool:
    return name in _TEXTS or name.startswith(THOUGHTS)


def _merged_entries(entries: list[JsonValue], pieces: list[JsonValue]) -> list[JsonValue]:
    """Add pieces, which name their entry by its `index`. Whole entries have none."""
    merged = list(entries)
    for piece in pieces:
        index = piece.get("index") if isinstance(piece, dict) else None
        if not isinstance(piece, dict) or not isinstance(index, int):
            merged.append(piece)
            continue
        new = {name: value for name, value in piece.items() if name != "index"}
        before = merged[index] if 0 <= index < len(merged) else None
        if isinstance(before, dict):
            merged[index] = merged_message(before, new)
        else:
            merged.append(new)
    return merged


def _merged_logprobs(before: JsonValue, new: JsonValue) -> JsonValue:
    if isinstance(before, dict) and isinstance(new, dict):
        return merged_message(before, new)
    return new or before
