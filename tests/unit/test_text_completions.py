"""Legacy completions: a stream says what the whole answer says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion

from route_switch.api.client_call import ClientCall
from route_switch.api.error_answers import ErrorAnswer
from route_switch.api.protocols.completions.text_answer import TextEvents, text_body
from route_switch.api.protocols.completions.text_request import parse_completion_request
from route_switch.domain.completion import complete
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import Chunk
from route_switch.domain.usage import Usage
from tests.conformance.reading import strict_json
from tests.support.routed import routed

Json = Any  # answers, which are read at many places
PIECES = st.lists(st.text(max_size=4), max_size=4)


def asked(**fields: Json) -> ClientCall:
    return parse_completion_request(json.dumps({"prompt": "Why?", **fields}).encode())


def streamed(chunks: list[Chunk], call: ClientCall) -> list[Json]:
    """Return the events; a strict client reads each."""
    writer = TextEvents(routed(None, "cmpl-1"), call)
    texts = [text for chunk in chunks for text in writer.of(chunk)]
    *events, done = [*texts, *writer.end(routed(complete(chunks), "cmpl-1"))]
    assert done == "data: [DONE]\n\n"
    return [strict_json(event.removeprefix("data: ")) for event in events]


@given(
    st.lists(PIECES, min_size=1, max_size=3),
    st.sampled_from(("stop", "length", "tool_calls", "content_filter")),
    st.booleans(),
)
def test_a_stream_is_the_whole_answer(said: list[list[str]], reason: str, echo: bool) -> None:
    chunks = [
        *(Chunk({"content": text}, n) for n, texts in enumerate(said) for text in ("", *texts)),
        *(Chunk({}, n, finish_reason=reason) for n in range(len(said))),
        Chunk({}, usage=Usage(11, 7)),
    ]
    call = asked(echo=echo, stream=True, stream_options={"include_usage": True})
    events = streamed(chunks, call)
    whole: Json = text_body(routed(complete(chunks), "cmpl-1"), call)
    Completion.model_validate_json(json.dumps(whole), strict=True)
    for choice in whole["choices"]:
        mine = [c for e in events for c in e["choices"] if c["index"] == choice["index"]]
        assert "".join(c["text"] for c in mine) == choice["text"]
        assert [c["finish_reason"] for c in mine if c["finish_reason"]] == [choice["finish_reason"]]
    assert events[-1]["usage"] == whole["usage"]
    assert events[-1]["route_switch"]["tier"] == 1


def test_the_usage_is_reported_only_if_the_client_asks_for_it() -> None:
    chunks = [Chunk({"content": "a"}, finish_reason="stop", usage=Usage(11, 7))]
    assert not any("usage" in event for event in streamed(chunks, asked(stream=True)))


def test_a_stream_that_breaks_off_ends_in_an_error() -> None:
    writer = TextEvents(routed(None, "cmpl-1"), asked(stream=True))
    error = ErrorAnswer(502, "It stopped.", "server_error", "upstream_failed")
    [event] = writer.broken_off(error)
    assert strict_json(event.removeprefix("data: "))["error"]["code"] == "upstream_failed"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_must_allow_an_answer(name: str) -> None:
    assert asked(**{name: 5.0}).params == {name: 5}
    with pytest.raises(RequestRefusedError, match=f"'{name}' must be greater than or equal to 1"):
        asked(**{name: -1})
