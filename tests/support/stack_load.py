"""Send requests to a running local stack: at a fixed rate, however long the answers take, or as
many as possible.

Models are scripted, behind a fault proxy.
"""

import json
import logging
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

import httpx

from local.aws.client import StackInfo
from tests.e2e.conftest import deployed, scripted_context, switch_routing
from tests.support.fault_proxy import FaultProxy, running_proxy
from tests.support.faults import KINDS, Fault, Target
from tests.support.faulty_router import PATHS, body_of, scripted
from tests.support.router_processes import kill_router
from tests.support.upstream import running_upstream

CHANGE_S = 5.0
"""How long one kind of fault lasts."""
TURN_S = 0.25
MODELS = {
    "ROUTER_MODEL": "gpt-4o-mini",
    "TIER_1_MODEL": "gpt-4.1-nano",
    "TIER_2_MODEL": "gpt-4.1-mini",
    "TIER_3_MODEL": "gpt-4.1",
}
"""Models with packaged prices: without them, there would be no money to count."""
TARGETS: tuple[Target, ...] = ("router", "tier 1", "tier 2", "tier 3")


@dataclass(frozen=True, slots=True)
class Sent:
    """`seconds` count from the moment when the request was due. `request_id` is None if no answer
    came, as when the process was killed."""

    seconds: float
    status: int
    request_id: str | None


@dataclass(frozen=True)
class LoadedStack:
    stack: StackInfo
    proxy: FaultProxy
    client: httpx.Client
    logs: Path


@contextmanager
def loaded_stack() -> Iterator[LoadedStack]:
    logging.getLogger("httpx").setLevel(logging.ERROR)  # a line for each request
    with (
        tempfile.TemporaryDirectory() as folder,
        running_upstream(scripted) as upstream,
        running_proxy(upstream.url.removesuffix("/v1")) as proxy,
        deployed(Path(folder), _environment(proxy)) as stack,
    ):
        switch_routing(stack, "on")
        headers = {"authorization": f"Bearer {stack.api_key}"}
        limits = httpx.Limits(max_connections=256)
        client = httpx.Client(
            base_url=stack.endpoint, headers=headers, timeout=60, limits=limits, trust_env=False
        )
        with client:
            yield LoadedStack(stack, proxy, client, Path(folder) / "state/logs")


def _environment(proxy: FaultProxy) -> dict[str, str]:
    return {
        "ROUTE_SWITCH_PROFILE": "openai",
        "OPENAI_BASE_URL": f"{proxy.url}/v1",
        "OPENAI_API_KEY": "sk-of-the-test",
        "CDK_CONTEXT_JSON": json.dumps(scripted_context()),
        **MODELS,
    }


class Load:
    """Requests of three protocols, streamed and not, for each tier in turn."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._numbers = count(1)

    def send(self, due: float) -> Sent:
        """`due` is a time of the monotonic clock: a request that waits for a free caller counts
        its wait, as its client would."""
        number = next(self._numbers)
        try:
            answer = self._client.post(PATHS[number % 3], json=body_of(number))
        except httpx.HTTPError:
            return Sent(time.monotonic() - due, 0, None)
        seconds = time.monotonic() - due
        return Sent(seconds, answer.status_code, answer.headers.get("x-request-id"))

    def capacity(self, callers: int, seconds: float) -> float:
        """Return the requests per second of callers who never pause."""
        ends = time.monotonic() + seconds

        def call() -> int:
            done = 0
            while (now := time.monotonic()) < ends:
                self.send(now)
                done += 1
            return done

        with ThreadPoolExecutor(callers) as pool:
            done = [pool.submit(call) for _ in range(callers)]
        return sum(each.result() for each in done) / seconds

    def at(self, rate: float, seconds: float, callers: int) -> list[Sent]:
        """Send at this rate; a late answer delays no other as long as a caller is free."""
        begun = time.monotonic()
        futures: list[Future[Sent]] = []
        with ThreadPoolExecutor(callers) as pool:
            while (due := begun + len(futures) / rate) < begun + seconds:
                time.sleep(max(due - time.monotonic(), 0.0))  # paces the load
                futures.append(pool.submit(self.send, due))
        return [each.result() for each in futures]

    def all_of(self, requests: int, callers: int) -> list[Sent]:
        """Send this many, each caller one after the other."""
        with ThreadPoolExecutor(callers) as pool:
            return [*pool.map(lambda _: self.send(time.monotonic()), range(requests))]


class Watcher(Protocol):
    """Is called now and then with the seconds since the load began."""

    def __call__(self, now_s: float, /) -> None: ...


@contextmanager
def beside(*watchers: Watcher) -> Iterator[None]:
    """Call the watchers in a thread of their own, so that they delay no request."""
    ended, begun = threading.Event(), time.monotonic()

    def run() -> None:
        while not ended.wait(TURN_S):
            for each in watchers:
                each(time.monotonic() - begun)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class ChangingFaults:
    """Every nth call of a model meets the fault of the moment."""

    def __init__(self, proxy: FaultProxy, every: int) -> None:
        self._proxy, self._every = proxy, every
        self._change_at = 0.0

    def __call__(self, now_s: float, /) -> None:
        if now_s >= self._change_at:
            kind = KINDS[int(now_s / CHANGE_S) % len(KINDS)]
            self._proxy.inject(tuple(Fault(target, kind) for target in TARGETS), self._every)
            self._change_at = now_s + CHANGE_S


class Kills:
    """Kill all router processes at a fixed interval."""

    def __init__(self, stack: StackInfo, every_s: float) -> None:
        self._stack, self._every_s = stack, every_s
        self._next = every_s
        self.killed = 0

    def __call__(self, now_s: float, /) -> None:
        if now_s >= self._next:
            self.killed += kill_router(self._stack)
            self._next = now_s + self._every_s
