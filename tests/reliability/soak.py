"""A long run at four fifths of the measured capacity, with faults and killed processes.

`SOAK_MINUTES` is its length (5), `SOAK_KILLS` the number of times that all router processes are
killed (0).
"""

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, quantiles
from threading import Lock

import httpx

from local.aws.client import StackInfo, aws_client
from tests.e2e.conftest import deployed, scripted_context, switch_routing
from tests.reliability.section import Section
from tests.support.fault_proxy import FaultProxy, running_proxy
from tests.support.faults import KINDS, Fault, Target
from tests.support.faulty_router import PATHS, body_of, scripted
from tests.support.router_processes import kill_router, router_processes
from tests.support.upstream import running_upstream

CALLERS = 8
CAPACITY_S, QUIET_S = 20.0, 30.0
LOAD = 0.8
EVERY = 100
"""One call of a model in so many meets the fault of the moment; it changes every `CHANGE_S`."""
CHANGE_S = 5.0
SAMPLE_S = 5.0
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
    """`request_id` is None if no answer came, as when the process was killed."""

    seconds: float
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Mean resident memory of the router's processes, in MB."""

    at_s: float
    router: float


@dataclass
class Load:
    """Requests through the front of a running stack."""

    stack: StackInfo
    client: httpx.Client
    number: int = 0

    def send(self, number: int) -> Sent:
        started = time.monotonic()
        try:
            answer = self.client.post(PATHS[number % 3], json=body_of(number))
        except httpx.HTTPError:
            return Sent(time.monotonic() - started, 0, None)
        seconds = time.monotonic() - started
        return Sent(seconds, answer.status_code, answer.headers.get("x-request-id"))

    def capacity(self, seconds: float) -> float:
        """Return the requests per second of `CALLERS` callers who never pause."""
        ends = time.monotonic() + seconds
        done, lock = [0], Lock()

        def call() -> None:
            while time.monotonic() < ends:
                self.send(self._next())
                with lock:
                    done[0] += 1

        with ThreadPoolExecutor(CALLERS) as pool:
            for each in [pool.submit(call) for _ in range(CALLERS)]:
                each.result()
        return done[0] / seconds

    def at(self, rate: float, seconds: float, each_turn: "Turn") -> list[Sent]:
        """Send at this rate, whatever the answers take; a late one delays no other."""
        begun = time.monotonic()
        futures: list[Future[Sent]] = []
        with ThreadPoolExecutor(4 * CALLERS) as pool:
            while (now := time.monotonic() - begun) < seconds:
                each_turn(now)
                due = len(futures) / rate
                if due > now:
                    time.sleep(min(due - now, 0.5))  # paces the load
                    continue
                futures.append(pool.submit(self.send, self._next()))
        return [each.result() for each in futures]

    def _next(self) -> int:
        self.number += 1
        return self.number


class Turn:
    """What happens beside the load: faults change, processes are killed, memory is read."""

    def __init__(
        self, stack: StackInfo, proxy: FaultProxy, faulty: bool, kill_every_s: float
    ) -> None:
        self._stack, self._proxy = stack, proxy
        self._faulty, self._kill_every_s = faulty, kill_every_s
        self._changed = self._killed = self._sampled = 0.0
        self.memory: list[Memory] = []
        self.killed = 0

    def __call__(self, now: float) -> None:
        if self._faulty and now >= self._changed:
            kind = KINDS[int(now / CHANGE_S) % len(KINDS)]
            self._proxy.inject(tuple(Fault(target, kind) for target in TARGETS), EVERY)
            self._changed = now + CHANGE_S
        if self._kill_every_s and now >= self._killed + self._kill_every_s:
            self.killed += kill_router(self._stack)
            self._killed = now
        if now >= self._sampled:
            self.memory.append(Memory(now, router_mb(self._stack)))
            self._sampled = now + SAMPLE_S


@dataclass(frozen=True, slots=True)
class Run:
    capacity: float
    minutes: float
    quiet: Sequence[Sent]
    loaded: Sequence[Sent]
    memory: Sequence[Memory]
    killed: int
    faults: int
    lost: int
    usd: tuple[float, float, float]


def measure() -> Section:
    minutes = float(os.environ.get("SOAK_MINUTES", "5"))
    return section(soak(minutes, int(os.environ.get("SOAK_KILLS", "0"))))


def soak(minutes: float, kills: int = 0) -> Run:
    logging.getLogger("httpx").setLevel(logging.ERROR)  # a line for each request
    with (
        tempfile.TemporaryDirectory() as folder,
        running_upstream(scripted) as upstream,
        running_proxy(upstream.url.removesuffix("/v1")) as proxy,
        deployed(Path(folder), _environment(proxy)) as stack,
    ):
        switch_routing(stack, "on")
        headers = {"authorization": f"Bearer {stack.api_key}"}
        limits = httpx.Limits(max_connections=64)
        client = httpx.Client(
            base_url=stack.endpoint, headers=headers, timeout=60, limits=limits, trust_env=False
        )
        with client:
            return _run(Load(stack, client), proxy, minutes * 60, kills)


def _run(load: Load, proxy: FaultProxy, seconds: float, kills: int) -> Run:
    capacity = load.capacity(CAPACITY_S)
    _say(f"capacity {capacity:.1f} requests/s")
    rate = LOAD * capacity
    quiet = load.at(rate, QUIET_S, Turn(load.stack, proxy, faulty=False, kill_every_s=0))
    turn = Turn(load.stack, proxy, faulty=True, kill_every_s=seconds / (kills + 1) if kills else 0)
    _say(f"{len(quiet)} quiet requests")
    loaded = load.at(rate, seconds, turn)
    _say(f"{len(loaded)} requests with faults")
    proxy.inject()
    lost, usd = _accounts(load.stack, [*quiet, *loaded])
    met = sum(call.fault is not None for call in proxy.calls)
    return Run(capacity, seconds / 60, quiet, loaded, turn.memory, turn.killed, met, lost, usd)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _environment(proxy: FaultProxy) -> dict[str, str]:
    return {
        "ROUTE_SWITCH_PROFILE": "openai",
        "OPENAI_BASE_URL": f"{proxy.url}/v1",
        "OPENAI_API_KEY": "sk-of-the-test",
        "CDK_CONTEXT_JSON": json.dumps(scripted_context()),
        **MODELS,
    }


def _accounts(stack: StackInfo, sent: Iterable[Sent]) -> tuple[int, tuple[float, float, float]]:
    """Return how many answered requests have a record neither in the table nor in the queue, and
    the costs of records, days and months."""
    dynamodb = aws_client("dynamodb", stack.aws_endpoint, stack.region)
    pages = dynamodb.get_paginator("scan").paginate(TableName=stack.results_table)
    recorded: set[str] = set()
    usd = {"RESULT": 0.0, "DAY": 0.0, "KEY": 0.0}
    for item in (each for page in pages for each in page["Items"]):
        kind = item["pk"]["S"].partition("#")[0]
        if item["sk"]["S"] == "RESULT":
            content = json.loads(item["record"]["S"])
            recorded.add(content["request_id"])
            usd[kind] += content["cost_usd"] or 0.0
        elif item["sk"]["S"] == "TOTALS":
            usd[kind] += float(item.get("cost_usd", {}).get("N", 0))
    recorded |= set(_queued(stack))
    answered = [each.request_id for each in sent if each.status == 200]
    return sum(each not in recorded for each in answered), (usd["RESULT"], usd["DAY"], usd["KEY"])


def _queued(stack: StackInfo) -> Iterator[str]:
    sqs = aws_client("sqs", stack.aws_endpoint, stack.region)
    for url in sqs.list_queues().get("QueueUrls", []):
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                yield str(json.loads(message["Body"]).get("request_id", ""))


def router_mb(stack: StackInfo) -> float:
    """Return the mean resident memory of the router's processes."""
    sizes = []
    for pid in router_processes(stack):
        try:
            if "lambda-rie" in Path(f"/proc/{pid}/exe").readlink().name:
                continue  # the emulator around it
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:  # it has ended
            continue
        sizes += [int(line.split()[1]) / 1024 for line in status.splitlines() if "VmRSS" in line]
    return sum(sizes) / len(sizes) if sizes else 0.0


def slope(memory: Sequence[Memory]) -> tuple[float, float]:
    """Return MB per hour, and the half-width of its 95% interval (normal)."""
    hours = [each.at_s / 3600 for each in memory]
    sizes = [each.router for each in memory]
    if len(memory) < 3:
        return 0.0, float("inf")
    line = linear_regression(hours, sizes)
    rest = [y - line.intercept - line.slope * x for x, y in zip(hours, sizes, strict=True)]
    mean = sum(hours) / len(hours)
    spread = sum((x - mean) ** 2 for x in hours)
    variance = sum(each**2 for each in rest) / (len(rest) - 2)
    return line.slope, 1.96 * (variance / spread) ** 0.5


def section(run: Run) -> Section:
    # The first third warms processes up.
    settled = run.memory[len(run.memory) // 3 :]
    mb, half = slope(settled)
    items, days, months = run.usd
    rows = [_row("quiet", run.quiet), _row("with faults", run.loaded)]
    return Section(
        name="soak",
        title="A long run under load",
        promise="Under load and faults, memory stays flat, answers stay quick, no record is lost.",
        method=(
            f"{run.minutes:g} minutes at {LOAD:.0%} of the capacity that the same run measured "
            f"({run.capacity:.1f} requests/s of {CALLERS} callers), on the local stack: the "
            "router in Lambda's runtime emulator, moto, scripted models behind a fault proxy. One "
            f"model call in {EVERY} fails ({run.faults} calls did), and the kind of fault changes "
            f"every {CHANGE_S:.0f} s. Repeat with `make soak-load SOAK_MINUTES=30`."
        ),
        columns=("Load", "requests", "answered", "p50 s", "p99 s", "max s"),
        rows=tuple(rows),
        notes=(
            f"Memory of a router process: {settled[0].router:.0f} MB, then "
            f"{settled[-1].router:.0f}; slope {mb:+.1f} MB per hour ({mb - half:+.1f} to "
            f"{mb + half:+.1f}, n = {len(settled)}), without the first third.",
            f"{run.lost} answered requests have a record neither in the table nor in the queue; "
            f"{run.killed} processes were killed.",
            f"Costs of records {items:.6f} USD, of days {days:.6f}, of keys' months {months:.6f}.",
        ),
    )


def _row(name: str, sent: Sequence[Sent]) -> tuple[str, ...]:
    seconds = [each.seconds for each in sent]
    cuts = quantiles(seconds, n=100)
    answered = sum(each.status == 200 for each in sent)
    figures = (f"{cuts[49]:.2f}", f"{cuts[98]:.2f}", f"{max(seconds):.2f}")
    return (name, str(len(sent)), str(answered), *figures)
