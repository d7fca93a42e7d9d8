"""Streams over HTTP whose model stops sending, or whose client stops reading."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.e2e.conftest import STALL_S, ServedStack
from tests.e2e.scripted.test_scripted import LARGE, MEDIUM, ROUTER, by_model
from tests.e2e.scripted.test_streaming import STREAM, auth, question, receive, record, url_of
from tests.support.upstream import Reply, chunk, completion, streamed

EARLY_S = 0.2
"""The client's clock and the function's begin at different moments."""
LATE_S = 3.0
"""How much later than its limit a stream may end on a busy machine."""
STARTS = chunk({"role": "assistant", "content": ""})
SILENCE_S = 60
"""Much longer than `STALL_S`; the scripted model notices at once that it was hung up on."""


def test_a_model_that_falls_silent_in_its_answer_is_given_up(scripted: ServedStack) -> None:
    """The client has the part that came and an error event instead of an end."""
    stalls = Reply(parts=[STARTS, chunk({"content": "The Moon"}), SILENCE_S])
    scripted.upstream.script = by_model({MEDIUM: stalls, LARGE: streamed("Not asked.")})
    with model_is_hung_up_on(scripted):
        answer = receive(scripted)
    assert answer.said == "The Moon"
    assert answer.is_whole, "the response ends in order; only the answer does not"
    assert answer.events[-1]["error"]["code"] == "upstream_timeout"
    assert "[DONE]" not in answer.text
    silent_s = answer.at_s("upstream_timeout") - answer.at_s("The Moon")
    assert STALL_S - EARLY_S <= silent_s < STALL_S + LATE_S
    kept = record(scripted, answer.headers["x-request-id"])
    assert kept["status"] == "partial"
    assert kept["answer_text"] == "The Moon"
    assert kept["attempts"][-1]["error"].endswith(f"sent nothing for {STALL_S:.0f} s")
    assert scripted.upstream.models_called() == [MEDIUM], "no tier is switched in mid-answer"


def test_a_model_that_is_silent_from_the_start_is_replaced(scripted: ServedStack) -> None:
    stalls = Reply(parts=[STARTS, SILENCE_S])
    scripted.upstream.script = by_model(
        {ROUTER: completion("2"), MEDIUM: stalls, LARGE: streamed("Right.")}
    )
    with model_is_hung_up_on(scripted):
        answer = receive(scripted, model="auto")
    assert (answer.said, answer.headers["x-route-reason"]) == ("Right.", "degraded")
    assert answer.text.endswith("data: [DONE]\n\n")
    assert STALL_S <= answer.headers_s < STALL_S + LATE_S


@contextmanager
def model_is_hung_up_on(served: ServedStack) -> Iterator[None]:
    served.upstream.left.clear()
    yield
    ended = time.monotonic()
    while not served.upstream.left:
        assert time.monotonic() - ended < LATE_S, "the model's call has not ended"


def test_a_client_that_reads_nothing_for_long_gets_everything(scripted: ServedStack) -> None:
    """The answer is larger than the buffers on the way, so the function waits for the client. It
    waits longer than it would for a model."""
    texts = [f"{number:06} " + "x" * 16_000 for number in range(1200)]
    scripted.upstream.script = by_model({MEDIUM: streamed(*texts)})
    with httpx.stream(
        "POST", url_of(scripted.stack), headers=auth(scripted), json=question() | STREAM, timeout=60
    ) as answer:
        url = f"{scripted.stack.endpoint}/v1/results/{answer.headers['x-request-id']}"
        ends_at, pause = time.monotonic() + STALL_S + 1, threading.Event()
        while time.monotonic() < ends_at:  # nothing of the answer is read meanwhile
            assert httpx.get(url, headers=auth(scripted)).status_code == 404, "it has ended"
            pause.wait(0.1)
        got = answer.read()
    assert got.endswith(b"data: [DONE]\n\n")
    assert [*map(int, re.findall(rb"(\d{6}) x", got))] == [*range(1200)]
    assert record(scripted, answer.headers["x-request-id"])["status"] == "answered"
