"""Events of a streamed answer, in any form that servers write."""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.adapters.models.openai_tool_calls import ToolCallPieces
from route_switch.adapters.models.server_events import DONE, events
from route_switch.domain.ports import JsonObject


@pytest.mark.parametrize("line", [b"data: {\n", b"data: x\n"], ids=["one value", "no JSON"])
def test_a_value_that_never_ends_takes_time_in_proportion_to_its_length(line: bytes) -> None:
    """Quadratic time would be minutes."""
    started = time.process_time()
    assert [*events([line * 200_000])] == []
    assert time.process_time() - started < 10


def test_a_value_may_take_several_lines_and_a_line_several_values() -> None:
    parts = [b'data: {"a":\nda', b'ta: 1}\n\ndata: {"b": 2}{"c": 3}\ndata: [DONE]\ndata: {}\n']
    assert [*events(parts)] == [{"a": 1}, {"b": 2}, {"c": 3}, DONE]


def test_a_value_that_ends_with_the_stream_is_read() -> None:
    assert [*events([b'data: {"a":\ndata: 1}'])] == [{"a": 1}]


BODY = b'\xef\xbb\xbfdata: {"a": 1}\r\n\r\ndata: {"b":\rdata: 2}\r\rdata: [DONE]\n\n'


@given(st.lists(st.integers(0, len(BODY)), max_size=9))
def test_events_are_the_same_wherever_their_parts_end(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(BODY)]
    parts = [BODY[start:end] for start, end in pairwise(places)]
    assert [*events(parts)] == [{"a": 1}, {"b": 2}, DONE]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_is_read_as_soon_as_its_line_ends(end: bytes) -> None:
    def parts() -> Iterator[bytes]:
        yield b'data: {"a": 1}' + end
        pytest.fail("the event was complete")

    assert next(events(parts())) == {"a": 1}


@pytest.mark.parametrize("pieces", [1, 20_000])
def test_arguments_take_time_in_proportion_to_their_length(pieces: int) -> None:
    """Also from a server that repeats the name with each piece."""
    calls, started = ToolCallPieces(), time.process_time()
    for _ in range(20_000):
        function: JsonValue = {"name": "f", "arguments": "x" * 100}
        calls.read([{"index": 0, "function": function}])
    for number in range(pieces):
        calls.read([{"id": f"c{number}", "index": number}])
    assert time.process_time() - started < 5


def test_a_call_whose_arguments_are_complete_is_followed_by_another() -> None:
    calls = ToolCallPieces()
    pieces: list[JsonObject] = [
        {"index": 0, "function": {"name": "f", "arguments": '{"a": '}},
        {"index": 0, "function": {"name": "f", "arguments": "1}"}},
        {"index": 0, "function": {"arguments": "\n"}},
        {"index": 0, "function": {"name": "f", "arguments": "{}"}},
    ]
    read: Any = [entry for piece in pieces for entry in calls.read([piece])]
    assert [entry["index"] for entry in read] == [0, 0, 0, 1]
