"""What a request requires from the model that answers it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from route_switch.domain.tokens import estimate_tokens

TOKENS_PER_IMAGE = 1000
"""Providers count about 85 to 1,600, depending on size and detail."""
RESERVED_PER_IMAGE = 5000
"""Claude counts up to 4,784. A few small models count more, at prices that are as much lower."""
RESERVED_PER_FILE = 500_000
"""Tokens of a hundred pages, each read as text and as a picture. The bytes of a file do not show
how many pages it has: they may be compressed."""
BYTES_PER_MESSAGE = 16
"""Allowance for a provider's own markup around a message."""

_TEXT_PARTS = ("text", "refusal")
_FILES = ("file", "video_url", "document")


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
    """`input_tokens` is an estimate: the length of messages, tools and the answer's form as JSON
    without attachments, plus `TOKENS_PER_IMAGE` for each image. `reserved_tokens` is what a budget
    has to cover: a token for each byte, which is more than providers count of text and sound, and
    `RESERVED_PER_IMAGE` and `RESERVED_PER_FILE` for what they do not count by its bytes."""

    tools: bool
    vision: bool
    input_tokens: int
    reserved_tokens: int

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
    form = [params["response_format"]] if params.get("response_format") else []
    calls = [m for m in messages if m.get("tool_calls") or m.get("function_call")]
    images = [part for part in parts if part.get("type") == "image_url"]
    text = json.dumps([*map(_without_attachments, messages), *tools, *form], ensure_ascii=False)
    size = len(text.encode(errors="surrogatepass")) + BYTES_PER_MESSAGE * len(messages)
    return Needs(
        tools=bool(tools or calls),
        vision=bool(images),
        input_tokens=estimate_tokens(text) + TOKENS_PER_IMAGE * len(images),
        reserved_tokens=size + sum(map(_reserved_tokens, parts)),
    )


def _parts(message: Mapping[str, JsonValue]) -> list[dict[str, JsonValue]]:
    content = message.get("content")
    return [p for p in content if isinstance(p, dict)] if isinstance(content, list) else []


def _without_attachments(message: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    parts = [p for p in _parts(message) if p.get("type") in _TEXT_PARTS]
    content = message.get("content")
    return {**message, "content": [*parts] if isinstance(content, list) else content}


def _reserved_tokens(part: dict[str, JsonValue]) -> int:
    """Return the most tokens that an attachment is likely to count; 0 for a text, which the message
    counts."""
    kind, image = part.get("type"), part.get("image_url")
    if kind in _TEXT_PARTS:
        return 0
    url = str(image.get("url") if isinstance(image, dict) else image)[:11].lower()
    is_document = url.startswith("data:") and url != "data:image/"
    if kind == "image_url" and not is_document:
        return RESERVED_PER_IMAGE
    return max(_size(part), RESERVED_PER_FILE if kind in _FILES or is_document else 0)


def _size(value: JsonValue) -> int:
    """Return the bytes of all texts in a JSON value."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode(errors="surrogatepass"))
    if isinstance(value, dict):
        return sum(map(len, value)) + sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 0
