"""What a request requires from the model that answers it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.domain.tokens import estimate_tokens

TOKENS_PER_IMAGE = 1000
"""Providers count about 85 to 1,600, depending on size and detail."""


class Capabilities(BaseModel):
    """What a model accepts. Unknown capabilities are assumed to be present."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tools: bool = True
    """Whether it accepts tools."""
    vision: bool = True
    """Whether it accepts images."""
    input_tokens: int | None = Field(default=None, gt=0)
    """Its context length; null is unknown."""
    output_tokens: int | None = Field(default=None, gt=0)
    """The most that it writes; null is unknown."""
    reasoning: bool = False
    """Whether it thinks before it answers, in tokens that count as output."""
    adaptive_thinking: bool = False
    """Whether it takes an effort and decides itself how long it thinks, as newer Claude models do.
    Others take a budget of tokens."""
    sampling: bool = True
    """Whether it takes temperature, top_p and penalties."""
    max_temperature: float | None = Field(default=None, gt=0)
    """The highest temperature that it takes; null is any."""
    one_of_temperature_and_top_p: bool = False
    """Whether it refuses a request with both."""
    limit_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The only name of the output limit that it takes; null if it takes either."""
    cache_min_tokens: int | None = Field(default=None, gt=0)
    """The shortest prefix that its provider caches on request; null if it caches none."""
    long_cache: bool = True
    """Whether its provider keeps a prefix for an hour on request, and not only for five minutes."""


UNKNOWN = Capabilities()


@dataclass(frozen=True, slots=True)
class Needs:
    """`input_tokens` is an estimate: the length of messages and tools as JSON without attachments,
    plus `TOKENS_PER_IMAGE` for each image."""

    tools: bool
    vision: bool
    input_tokens: int

    def unmet_by(self, model: Capabilities) -> str | None:
        """Return the first requirement that the model lacks, in words, or None when it can serve
        the request."""
        if self.tools and not model.tools:
            return "tools"
        if self.vision and not model.vision:
            return "images"
        if model.input_tokens is not None and self.input_tokens > model.input_tokens:
            return f"about {self.input_tokens:,} tokens of input"
        return None


def needs_of(messages: Sequence[Mapping[str, JsonValue]], params: Mapping[str, JsonValue]) -> Needs:
    """Return what an OpenAI chat completion request with these `messages` and `params` needs."""
    parts = [part for message in messages for part in _parts(message)]
    tools = [params[name] for name in ("tools", "functions") if params.get(name)]
    calls = [m for m in messages if m.get("tool_calls") or m.get("function_call")]
    images = [part for part in parts if part.get("type") == "image_url"]
    text = json.dumps(
        [*(_without_attachments(message) for message in messages), *tools], ensure_ascii=False
    )
    return Needs(
        tools=bool(tools or calls),
        vision=bool(images),
        input_tokens=estimate_tokens(text) + TOKENS_PER_IMAGE * len(images),
    )


def _parts(message: Mapping[str, JsonValue]) -> list[dict[str, JsonValue]]:
    content = message.get("content")
    return [p for p in content if isinstance(p, dict)] if isinstance(content, list) else []


def _without_attachments(message: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    parts = [p for p in _parts(message) if p.get("type") in ("text", "refusal")]
    content = message.get("content")
    return {**message, "content": [*parts] if isinstance(content, list) else content}
