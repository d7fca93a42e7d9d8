"""Streamed answers over HTTP: what arrives when, and what is left of an answer that ends early."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from pydantic import JsonValue

from local.aws.__main__ import read_event, run
from local.aws.client import StackInfo
from tests.bench.kills import measure
from tests.e2e.conftest import ORIGIN, ServedStack
from tests.e2e.scripted.test_scripted import LARGE, LONG, MEDIUM, ROUTER, SMALL, by_model
from tests.support.router_processes import kill_router
from tests.support.upstream import (
    Body,
    Reply,
    chunk,
    completion,
    failure,
    streamed,
    usage_chunk,
)

PAUSE_S = 0.15
WORDS = tuple(f"word-{number} " for number in range(8))
TOTAL_S = PAUSE_S * len(WORDS)
DRIPS = Reply(parts=[part for n in range(200) for part in (chunk({"content": f"{n} "}), 0.1)])
"""An answer that takes 20 seconds."""


@dataclass
class Received:
    """An answer and its pieces; times are seconds since the request was sent."""

    status: int
    headers: httpx.Headers
    headers_s: float
    pieces: list[tuple[float, str]] = field(default_factory=list)
    is_whole: bool = False

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.pieces)

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.text.split("\n\n")
        return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]

    @property
    def said(self) -> str:
        choices = [choice for event in self.events for choice in event.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices)

    def at_s(self, text: str) -> float:
        """Return when the piece with this text came."""
        return next(seconds for seconds, piece in self.pieces if text in piece)


def receive(
    served: ServedStack, *, headers: dict[str, str] | None = None, **fields: JsonValue
) -> Received:
    body = {"messages": [{"role": "user", "content": LONG}], "model": "tier-2", "stream": True}
    started = time.monotonic()
    with httpx.stream(
        "POST", url_of(served.stack), headers=auth(served, headers), json=body | fields, timeout=60
    ) as answer:
        received = Received(answer.status_code, answer.headers, time.monotonic() - started)
        try:
            for piece in answer.iter_text():
                received.pieces.append((time.monotonic() - started, piece))
            received.is_whole = True
        except httpx.RemoteProtocolError:
            pass
    return received


def url_of(stack: StackInfo) -> str:
    return f"{stack.endpoint}/v1/chat/completions"


def auth(served: ServedStack, more: dict[str, str] | None = None) -> dict[str, str]:
    return {"authorization": f"Bearer {served.stack.api_key}", **(more or {})}


def record(served: ServedStack, request_id: str, within_s: float = 5) -> dict[str, Any]:
    """Return the record, which is saved after the answer has ended."""
    url, ends_at = f"{served.stack.endpoint}/v1/results/{request_id}", time.monotonic() + within_s
    while True:
        found = httpx.get(url, headers=auth(served))
        if found.status_code == 200 or time.monotonic() > ends_at:
            assert found.status_code == 200, found.text
            return dict(found.json())


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def assert_as_written(times: list[float]) -> None:
    """Most pieces come at the pace of the model; a busy machine may join some."""
    paced = [gap for gap in gaps(times) if gap > PAUSE_S / 3]
    assert len(paced) >= len(WORDS) - 3, gaps(times)


def test_tokens_arrive_as_they_are_written(scripted: ServedStack) -> None:
    slow = streamed(*WORDS, pause_s=PAUSE_S)
    scripted.upstream.script = by_model(
        {ROUTER: completion("2"), SMALL: streamed("Hi."), MEDIUM: slow}
    )
    receive(scripted, model="tier-1")  # the environment is warm now
    answer = receive(scripted, headers={"origin": ORIGIN}, model="auto")
    times = [answer.at_s(word) for word in WORDS]
    assert answer.said == "".join(WORDS)
    assert answer.is_whole
    assert answer.text.endswith("data: [DONE]\n\n")
    assert answer.headers_s < times[0] + PAUSE_S < times[-1] - TOTAL_S / 2
    assert_as_written(times)
    assert answer.headers["x-route-tier"] == "2", "before the first token"
    assert answer.headers["x-route-reason"] == "router"
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.events[-1]["route_switch"]["cost_usd"] > 0


def test_openais_clients_show_tokens_as_they_are_written(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({MEDIUM: streamed(*WORDS, pause_s=PAUSE_S)})
    assert_as_written([*map(float, times_of(scripted))])
    assert_as_written(asyncio.run(times_of_async(scripted)))


def times_of(served: ServedStack) -> Iterator[float]:
    for part in served.openai.chat.completions.create(**question(), stream=True):
        if part.choices[0].delta.content:
            yield time.monotonic()


async def times_of_async(served: ServedStack) -> list[float]:
    client = AsyncOpenAI(base_url=f"{served.stack.endpoint}/v1", api_key=served.stack.api_key)
    parts: AsyncIterator[Any] = await client.chat.completions.create(**question(), stream=True)
    return [time.monotonic() async for part in parts if part.choices[0].delta.content]


def question() -> Any:  # keyword arguments of an overloaded method
    return {"model": "tier-2", "messages": [{"role": "user", "content": LONG}]}


def test_a_function_that_is_killed_cuts_the_answer_off(scripted: ServedStack) -> None:
    """The client sees that the end is missing, and the next request is served."""
    scripted.upstream.script = by_model({MEDIUM: DRIPS})
    received = 0
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream(
            "POST", url_of(scripted.stack), headers=auth(scripted), json=question() | STREAM
        ) as answer,
    ):
        for text in answer.iter_text():
            received += 1
            assert "[DONE]" not in text
            if received == 3:
                kill_router(scripted.stack)
    scripted.upstream.script = by_model({MEDIUM: streamed("Right.")})
    assert receive(scripted).said == "Right."


STREAM = {"stream": True}


def test_a_kill_after_the_answer_loses_at_most_its_record(scripted: ServedStack) -> None:
    """The log has each request. `python -m tests.bench.kills` does this 200 times."""
    losses = measure(scripted, 4)
    assert losses.killed == 4, "after each answer a process was there to be killed"
    assert losses.unlogged == 0
    after = receive(scripted, model="tier-1")
    assert record(scripted, after.headers["x-request-id"])["status"] == "answered"


def test_a_client_that_hangs_up_ends_the_models_call(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({MEDIUM: DRIPS})
    scripted.upstream.left.clear()
    request_id = leave(scripted)
    left = time.monotonic()
    ended = record(scripted, request_id)
    assert ended["status"] == "partial"
    assert ended["attempts"][-1]["error"] == "the client left"
    assert ended["cost_usd"] > 0
    while not scripted.upstream.left:
        assert time.monotonic() - left < 2, "the model's call has not ended"


def leave(served: ServedStack, headers: dict[str, str] | None = None) -> str:
    """Read three pieces of an answer and hang up. Return the request's id."""
    with httpx.stream(
        "POST", url_of(served.stack), headers=auth(served, headers), json=question() | STREAM
    ) as answer:
        for number, _ in enumerate(answer.iter_raw()):
            if number == 2:
                break
    return answer.headers["x-request-id"]


def test_an_answer_with_a_key_is_finished_for_a_client_that_comes_back(
    scripted: ServedStack,
) -> None:
    scripted.upstream.script = by_model({MEDIUM: streamed(*WORDS, pause_s=0.05)})
    key = {"idempotency-key": str(uuid.uuid4())}
    request_id = leave(scripted, key)
    assert record(scripted, request_id)["status"] == "answered"
    again = receive(scripted, headers=key)
    while again.status == 409:  # it is stored after the record
        again = receive(scripted, headers=key)
    assert again.said == "".join(WORDS)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "text/event-stream"
    assert again.headers["x-request-id"] == request_id
    assert scripted.upstream.models_called() == [MEDIUM]


def test_ten_megabytes_are_streamed_whole(scripted: ServedStack) -> None:
    piece = "0123456789" * 1000
    scripted.upstream.script = by_model({MEDIUM: streamed(*[piece] * 1000)})
    answer = receive(scripted)
    assert answer.is_whole
    assert answer.said == piece * 1000
    kept = record(scripted, answer.headers["x-request-id"])
    assert (kept["status"], kept["answer_text"]) == ("answered", None), "Lambda returns 6 MB"


def test_an_unstreamed_answer_may_be_longer_than_lambdas_six_megabytes(
    scripted: ServedStack,
) -> None:
    scripted.upstream.script = by_model({MEDIUM: completion("0123456789" * 800_000)})
    answer = receive(scripted, stream=False)
    assert answer.status == 200
    assert len(json.loads(answer.text)["choices"][0]["message"]["content"]) == 8_000_000


def test_fifty_streams_at_once_are_not_mixed_up(scripted: ServedStack) -> None:
    """They share eight execution environments here; in AWS each has its own."""

    def script(body: Body) -> Reply:
        asked = body["messages"][-1]["content"]  # type: ignore[index,call-overload]  # JSON
        return streamed(*[f"{asked}/{n} " for n in range(5)], pause_s=0.02)

    scripted.upstream.script = script

    def ask(number: int) -> Received:
        return receive(scripted, messages=[{"role": "user", "content": f"q{number}"}])

    with ThreadPoolExecutor(50) as pool:
        answers = [*pool.map(ask, range(50))]
    for number, answer in enumerate(answers):
        assert answer.is_whole
        assert answer.said == "".join(f"q{number}/{n} " for n in range(5))


@pytest.mark.parametrize(
    ("fields", "headers", "script", "status", "code"),
    [
        ({"stream": False}, {}, {MEDIUM: completion("Whole.")}, 200, None),
        ({}, {"authorization": "Bearer rs-wrong"}, {}, 401, "invalid_api_key"),
        ({"temperature": "hot"}, {}, {}, 400, "invalid_value"),
        ({}, {}, {MEDIUM: failure(500)}, 502, "upstream_failed"),
    ],
    ids=["whole", "key", "request", "model"],
)
def test_every_answer_takes_the_streaming_route(
    scripted: ServedStack,
    fields: Body,
    headers: dict[str, str],
    script: dict[str, Reply],
    status: int,
    code: str | None,
) -> None:
    scripted.upstream.script = by_model(script)
    answer = receive(scripted, headers=headers, **fields)
    body = json.loads(answer.text)
    assert (answer.status, body.get("error", {}).get("code")) == (status, code)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-request-id"]


def test_a_stream_that_dies_before_its_first_token_is_answered_by_another_tier(
    scripted: ServedStack,
) -> None:
    died = Reply(parts=[chunk({"role": "assistant", "content": ""}), b""])
    scripted.upstream.script = by_model(
        {ROUTER: completion("2"), MEDIUM: died, LARGE: streamed("Right.")}
    )
    answer = receive(scripted, model="auto")
    assert (answer.said, answer.headers["x-route-reason"]) == ("Right.", "degraded")


def test_usage_and_cost_end_the_stream_of_a_client_that_asks(scripted: ServedStack) -> None:
    scripted.upstream.script = by_model({SMALL: streamed("Hi.")})
    answer = receive(scripted, model="tier-1", stream_options={"include_usage": True})
    last = answer.events[-1]
    usage: Any = usage_chunk()
    assert last["usage"]["total_tokens"] == usage["usage"]["total_tokens"]
    assert last["route_switch"]["model"].endswith(SMALL)
    comment = next(part for part in answer.text.split("\n\n") if part.startswith(": route_switch"))
    assert json.loads(comment.removeprefix(": route_switch ")) == last["route_switch"]


def test_an_event_file_shows_a_streamed_answer(
    scripted: ServedStack, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `make invoke EVENT=events/router/chat-stream.json` prints it."""
    scripted.upstream.script = by_model({ROUTER: completion("2"), MEDIUM: streamed("The ", "sea.")})
    file = Path("events/router/chat-stream.json")
    run(file, read_event(file), scripted.stack)
    printed = capsys.readouterr().out
    assert printed.startswith("200\n")
    assert "\nContent-Type: text/event-stream\n" in printed
    assert '"content":"sea."' in printed
    assert printed.endswith("data: [DONE]\n\n\n")
