"""Events of a streamed answer, however a server writes them."""

import time

import pytest

from route_switch.adapters.models.openai_stream import DONE, events


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
