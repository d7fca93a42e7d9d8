"""How many tokens a model reads of messages: as an estimate, and at most."""

import json
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from route_switch.domain.needs import TOKENS_PER_IMAGE
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import text_of
from route_switch.domain.replay import tool_calls_of
from route_switch.domain.tokens import estimate_tokens

BYTES_PER_MESSAGE = 16
"""Allowance for a provider's own markup around a message. Its text has at most one token per
byte."""

MOST_TOKENS_PER_IMAGE = 50_000
"""gpt-4o-mini counts 2,833 and 5,667 per tile, for at most eight tiles."""


def read_tokens(messages: Sequence[JsonObject]) -> int:
    """Return an estimate: texts, calls of tools, and a usual number for each image."""
    calls = (json.dumps(call) for message in messages for call in tool_calls_of(message))
    texts = (*map(text_of, messages), *calls)
    images = sum(1 for _ in _images(messages))
    return sum(map(estimate_tokens, texts)) + TOKENS_PER_IMAGE * images


def most_tokens(messages: Sequence[JsonObject], params: Mapping[str, JsonValue]) -> int:
    """Return the most that a provider may count: a token for each byte, except for images, which no
    provider counts by their bytes."""
    sent = json.dumps([*messages, params.get("tools")], ensure_ascii=False)
    spared = sum(max(_bytes(part) - MOST_TOKENS_PER_IMAGE, 0) for part in _images(messages))
    unseen = sum(MOST_TOKENS_PER_IMAGE for part in _images(messages) if not _is_data(part))
    return len(sent.encode()) + BYTES_PER_MESSAGE * len(messages) - spared + unseen


def _images(messages: Sequence[JsonObject]) -> Iterator[JsonObject]:
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") == "image_url":
                yield part


def _is_data(part: JsonObject) -> bool:
    """Whether the image itself is in the part. Another part only says where it is."""
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    return isinstance(url, str) and url.startswith("data:")


def _bytes(part: JsonObject) -> int:
    return len(json.dumps(part, ensure_ascii=False).encode()) if _is_data(part) else 0
