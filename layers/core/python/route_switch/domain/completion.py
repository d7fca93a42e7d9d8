"""A whole answer, assembled from the chunks that a model client yields."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from route_switch.domain.errors import ModelError
from route_switch.domain.json_values import InvalidJsonError, valid_json, valid_text
from route_switch.domain.message_pieces import MessagePieces
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
        self._choices: dict[int, _ChoicePieces] = {}
        self._last = Chunk({})

    @property
    def adjusted(self) -> tuple[str, ...]:
        """What was changed in the request, as far as it is known."""
        return self._last.adjusted

    def add(self, chunk: Chunk) -> Chunk:
        """Add a chunk and return it with valid text and numbers; raise `ModelError` if it cannot
        be made valid."""
        chunk = _valid(chunk)
        if chunk.delta or chunk.finish_reason or chunk.choice_extra:
            self._choices.setdefault(chunk.index, _ChoicePieces()).add(chunk)
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

    @property
    def usage(self) -> Usage | None:
        """What has been reported so far."""
        return self._last.usage

    @property
    def has_ended(self) -> bool:
        """Whether each choice that has begun has its end."""
        choices = self._choices.values()
        return bool(choices) and all(choice.finish_reason is not None for choice in choices)

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
        last = self._last
        return Completion(
            tuple(self._choices[index].choice(index) for index in sorted(self._choices)),
            last.usage,
            last.provider_model,
            last.provider_usage,
            last.system_fingerprint,
            last.extra,
            last.adjusted,
        )


class _ChoicePieces:
    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._message = MessagePieces({"role": "assistant"})
        self._logprobs: JsonValue | MessagePieces = None
        self._extra: JsonObject = {}

    def add(self, chunk: Chunk) -> None:
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self._message.add(chunk.delta)
        self._extra |= chunk.choice_extra
        new = chunk.logprobs
        if isinstance(new, dict) and isinstance(self._logprobs, MessagePieces):
            self._logprobs.add(new)
        elif new:
            self._logprobs = MessagePieces(new) if isinstance(new, dict) else new

    def choice(self, index: int) -> Choice:
        logprobs = self._logprobs
        return Choice(
            index,
            self._message.whole(),
            self.finish_reason or "stop",
            logprobs.whole() if isinstance(logprobs, MessagePieces) else logprobs,
            {**self._extra},
        )


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
