"""Unrequested event streams are put together."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.models.openai_stream import read_answer
from route_switch.domain.completion import Completion, complete
from route_switch.domain.errors import ModelError
from route_switch.domain.usage import Usage

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def chunk(delta: Any, finish_reason: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return json.dumps({"choices": [choice], **more}, ensure_ascii=False)


def events(*data: str, end: str = "\n\n") -> bytes:
    return "".join(f"data: {each}{end}" for each in data).encode()


def answer(content: bytes) -> Completion:
    return complete(read_answer("m", content))


def read_or_refused(content: bytes) -> None:
    with suppress(ModelError):
        answer(content)


@given(st.lists(TEXT, min_size=1), st.sampled_from(["\n\n", "\r\n\r\n", "\r\r", "\n"]))
def test_pieces_of_text_are_joined_with_any_line_end(pieces: list[str], end: str) -> None:
    stream = events(*(chunk({"content": p}) for p in pieces), chunk({}, "length"), end=end)
    [read] = answer(stream).choices
    assert read.message["content"] == "".join(pieces)
    assert read.finish_reason == "length"


@given(st.lists(st.lists(TEXT, min_size=1, max_size=4), min_size=1, max_size=4), st.booleans())
def test_pieces_of_tool_calls_are_joined_by_id_or_index(
    calls: list[list[str]], has_index: bool
) -> None:
    deltas = []
    for number, pieces in enumerate(calls):
        place = {"index": number} if has_index else {}
        begin = {"id": f"c{number}", "function": {"name": "f", "arguments": pieces[0]}}
        deltas.append({"tool_calls": [{**place, **begin}]})
        deltas += [{"tool_calls": [{**place, "function": {"arguments": p}}]} for p in pieces[1:]]
    [whole] = answer(events(*map(chunk, deltas), "[DONE]")).choices
    read: Any = whole.message["tool_calls"]
    assert [call["function"]["arguments"] for call in read] == ["".join(c) for c in calls]
    assert [call["id"] for call in read] == [f"c{n}" for n in range(len(calls))]


def test_a_stream_that_breaks_off_keeps_its_usage() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    with pytest.raises(ModelError, match="broke off its answer") as refused:
        answer(events(chunk({"content": "Hel"}, usage=usage)))
    assert refused.value.usage == Usage(5, 2)


@pytest.mark.parametrize("content", [b"", b"<html>", b"data", b"data: {", b"hello: data", b":"])
def test_a_body_without_an_answer_is_an_error(content: bytes) -> None:
    with pytest.raises(ModelError):
        answer(content)


@given(st.binary() | st.lists(st.binary()).map(lambda b: b"data: " + b"\ndata: ".join(b)))
def test_any_bytes_are_read_or_ignored(content: bytes) -> None:
    read_or_refused(content)


@pytest.mark.parametrize(
    "content",
    [
        events(*[chunk({"content": "x"})] * 20_000),
        b"data: " + chunk({"content": "x"}).encode() * 20_000,
        b"data: x\n" * 500_000,
        b"data: {\n" * 200_000,
        events(*[chunk({"tool_calls": [{"id": f"c{n}", "index": n}]}) for n in range(20_000)]),
    ],
    ids=["events", "one line", "no JSON", "one value", "calls"],
)
def test_a_long_stream_takes_time_in_proportion_to_its_length(content: bytes) -> None:
    """Quadratic time would be minutes."""
    started = time.process_time()
    read_or_refused(content)
    assert time.process_time() - started < 10


JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "index",
                    "delta",
                    "message",
                    "tool_calls",
                    "function",
                    "id",
                    "logprobs",
                    "content",
                    "arguments",
                    "usage",
                    "error",
                    "function_call",
                ]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "error"]), JSON)))
def test_any_events_are_read_or_ignored(bodies: list[Any]) -> None:
    read_or_refused(events(*map(json.dumps, bodies), "[DONE]"))
