"""Time streamed answers: the handler and raw streams of the same upstream, alternating.

The upstream writes the time into each piece of its answer. Prints milliseconds by path as JSON.
`python streams.py TURNS [NAME=URL]…`: further servers with OpenAI's API, such as LiteLLM's proxy.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import httpx

from tests.bench import runtime
from tests.support.events import api_event

WARM_UP = 20
BODY = {"model": "small", "messages": [{"role": "user", "content": "hello"}], "stream": True}
Pieces = Iterator[tuple[float, bytes]]
"""When a piece came (monotonic seconds), and the piece."""


@dataclass
class Times:
    """In milliseconds: from the request to the first token, and from the upstream's writing of a
    piece to its arrival."""

    first_token: list[float] = field(default_factory=list)
    piece: list[float] = field(default_factory=list)


def main(turns: int, servers: dict[str, str]) -> dict[str, dict[str, list[float]]]:
    url = json.loads(os.environ["ROUTE_SWITCH_CONFIG"])["openai_base_url"]
    paths: dict[str, Callable[[], Pieces]] = {
        name: partial(_raw, httpx.Client(base_url=address))
        for name, address in {"raw stream": url, **servers}.items()
    }
    paths["route-switch"] = _served
    times = {name: Times() for name in paths}
    for turn in range(turns + WARM_UP):
        for name, path in paths.items():
            _measure(path, times[name] if turn >= WARM_UP else Times())
    return {name: vars(each) for name, each in times.items()}


def _measure(path: Callable[[], Pieces], times: Times) -> None:
    started, first = time.monotonic(), True
    for came, piece in path():
        for line in piece.splitlines():
            if b'"content":"at ' in line or b'"content": "at ' in line:
                written = float(line.partition(b'"at ')[2].partition(b'"')[0])
                times.piece.append((came - written) * 1000)
                if first:
                    times.first_token.append((came - started) * 1000)
                first = False
    assert not first, "no piece has the time"


def _raw(client: httpx.Client) -> Pieces:
    headers = {"authorization": "Bearer sk-bench"}
    with client.stream("POST", "/chat/completions", json=BODY, headers=headers) as answer:
        for line in answer.iter_lines():
            yield time.monotonic(), line.encode()


def _served() -> Pieces:
    body = {**BODY, "model": "tier-1"}
    served = runtime.serve(api_event("POST", "/v1/chat/completions", body, "rs-bench"))
    yield from served.pieces


if __name__ == "__main__":
    result = main(int(sys.argv[1]), dict(each.split("=", 1) for each in sys.argv[2:]))
    sys.stdout.write("\n" + json.dumps(result) + "\n")
