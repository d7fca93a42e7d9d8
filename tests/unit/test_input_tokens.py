"""How many tokens are reserved and estimated for messages with calls and images."""

import json

from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.needs import TOKENS_PER_IMAGE
from route_switch.domain.ports import JsonObject
from route_switch.services.learning.input_tokens import (
    BYTES_PER_MESSAGE,
    MOST_TOKENS_PER_IMAGE,
    most_tokens,
    read_tokens,
)


def picture(url: str) -> JsonObject:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


def called(arguments: str) -> JsonObject:
    function: JsonObject = {"name": "f", "arguments": arguments}
    return {"role": "assistant", "content": None, "tool_calls": [{"function": function}]}


@given(st.lists(st.text(max_size=50), max_size=5), st.lists(st.text(max_size=50), max_size=3))
def test_text_and_calls_have_at_most_one_token_per_byte(texts: list[str], calls: list[str]) -> None:
    said: list[JsonObject] = [{"role": "user", "content": text} for text in texts]
    messages = [*said, *map(called, calls)]
    sent = len(json.dumps([*messages, None], ensure_ascii=False).encode())
    assert most_tokens(messages, {}) == sent + BYTES_PER_MESSAGE * len(messages)
    assert read_tokens(messages) <= most_tokens(messages, {})


def test_an_image_does_not_reserve_a_token_per_byte() -> None:
    large = [picture("data:image/png;base64," + "A" * 900_000)]
    assert most_tokens(large, {}) < MOST_TOKENS_PER_IMAGE + 200
    assert read_tokens(large) == TOKENS_PER_IMAGE


def test_an_image_at_a_url_reserves_what_an_image_may_cost() -> None:
    assert most_tokens([picture("https://example.com/a.png")], {}) > MOST_TOKENS_PER_IMAGE


def test_the_arguments_of_calls_are_read() -> None:
    assert read_tokens([called("x" * 4000)]) > 1000
