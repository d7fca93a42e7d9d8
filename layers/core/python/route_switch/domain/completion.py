"""A complete answer, folded from the chunks that a model client yields."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.pricing import Usage


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the `n` alternatives in an answer. `message` is an OpenAI assistant message."""

    index: int
    message: JsonObject
    finish_reason: str | None
    logprobs: JsonValue = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer. `usage` is None when the provider reported no tokens."""

    choices: tuple[Choice, ...]
    usage: Usage | None
    provider_model: str | None = None
    provider_usage: JsonObject | None = None
    system_fingerprint: str | None = None

    @property
    def text(self) -> str:
        """The first choice's text; empty when it only calls tools."""
        content = self.choices[0].message.get("content")
        return content if isinstance(content, str) else ""


def complete(chunks: Iterable[Chunk]) -> Completion:
    """Fold chunks into a completion.

    Concatenate text; for every other field of a delta, keep the latest value. Raise `ModelError`
    when there is no choice.
    """
    messages: dict[int, JsonObject] = {}
    finish: dict[int, str | None] = {}
    logprobs: dict[int, JsonValue] = {}
    last = Chunk({})
    for chunk in chunks:
        _merge(messages.setdefault(chunk.index, {"role": "assistant"}), chunk.delta)
        finish[chunk.index] = chunk.finish_reason or finish.get(chunk.index)
        logprobs[chunk.index] = chunk.logprobs or logprobs.get(chunk.index)
        last = Chunk(
            {},
            usage=chunk.usage or last.usage,
            provider_model=chunk.provider_model or last.provider_model,
            provider_usage=chunk.provider_usage or last.provider_usage,
            system_fingerprint=chunk.system_fingerprint or last.system_fingerprint,
        )
    if not messages:
        raise ModelError("The model returned no choices. Check that it supports chat completions.")
    choices = (Choice(i, messages[i], finish[i], logprobs[i]) for i in sorted(messages))
    return Completion(
        tuple(choices),
        last.usage,
        last.provider_model,
        last.provider_usage,
        last.system_fingerprint,
    )


def _merge(message: JsonObject, delta: JsonObject) -> None:
    for name, value in delta.items():
        before = message.get(name)
        if name == "content" and isinstance(before, str) and isinstance(value, str):
            message[name] = before + value
        else:
            message[name] = value
