"""The body of a streamed answer, which LiteLLM and the boundary both read."""

import tracemalloc
from collections.abc import Iterator
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.models.litellm_http import Body

PARTS = [b": hi\n", b"\nda", b"ta: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]
MEGABYTE = 1024 * 1024


@given(st.integers(0, len(PARTS)))
def test_a_reader_that_began_early_and_a_late_one_get_every_part(early: int) -> None:
    body = Body(iter(PARTS), b"")
    reader = iter(body)
    begun = [*islice(reader, early)]
    beginning = body.beginning()
    assert b"".join(PARTS).startswith(beginning)
    assert b"data: 1\n" in beginning
    assert [*begun, *reader] == PARTS
    body = Body(iter(PARTS), b"")
    [*islice(iter(body), early)]
    body.beginning()
    assert [*body] == PARTS


def test_only_the_beginning_of_a_stream_is_kept() -> None:
    def parts() -> Iterator[bytes]:
        yield b"data: 1\n\n"
        for number in range(50):
            yield bytes([number]) * MEGABYTE

    body = Body(parts(), b"")
    body.beginning()
    tracemalloc.start()
    try:
        assert sum(map(len, body)) > 50 * MEGABYTE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * MEGABYTE
