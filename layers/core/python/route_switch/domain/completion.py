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
    def text(self) -> str:
        """The first choice's text; empty if it only calls tools."""
        content = self.choices[0].message.get("content")
        return content if isinstance(content, str) else ""


def complete(chunks: Iterable[Chunk]) -> Completion:
    """Assemble chunks: join text; let every other field of a delta replace the earlier one.

    Whatever client the chunks come from, text and numbers of the completion are valid everywhere
    (`json_values`). Raise `ModelError` if there is no choice.
    """
    choices: dict[int, Choice] = {}
    last = Chunk({})
    for chunk in map(_valid, chunks):
        before = choices.get(chunk.index, Choice(chunk.index, {"role": "assistant"}, "stop"))
        choices[chunk.index] = Choice(
            chunk.index,
            _merged(before.message, chunk.delta),
            chunk.finish_reason or before.finish_reason,
            chunk.logprobs or before.logprobs,
            {**before.extra, **chunk.choice_extra},
        )
        last = Chunk(
            {},
            usage=chunk.usage or last.usage,
            provider_model=chunk.provider_model or last.provider_model,
            provider_usage=chunk.provider_usage or last.provider_usage,
            system_fingerprint=chunk.system_fingerprint or last.system_fingerprint,
            extra={**last.extra, **chunk.extra},
            adjusted=chunk.adjusted or last.adjusted,
        )
    if not choices:
        raise ModelError("The model answered without a choice. Check that it serves chat requests.")
    return Completion(
        tuple(choices[index] for index in sorted(choices)),
        last.usage,
        last.provider_model,
        last.provider_usage,
        last.system_fingerprint,
        last.extra,
        last.adjusted,
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


def _merged(message: JsonObject, delta: JsonObject) -> JsonObject:
    merged = {**message, **delta}
    before, new = message.get("content"), delta.get("content")
    if isinstance(before, str) and isinstance(new, str):
        merged["content"] = before + new
    return merged
