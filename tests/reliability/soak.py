"""A long run at four fifths of the measured capacity, with faults and killed processes.

`SOAK_MINUTES` is its length (5), `SOAK_KILLS` the number of times that all router processes are
killed (0).
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, sqrt
from pathlib import Path
from statistics import fmean, linear_regression, median

from local.aws.client import StackInfo
from tests.reliability.section import Aim, Section, none_of, same_amount
from tests.support.router_processes import router_processes
from tests.support.stack_accounts import StackAccounts, accounts_of, replay
from tests.support.stack_load import (
    CHANGE_S,
    ChangingFaults,
    Kills,
    Load,
    LoadedStack,
    Sent,
    beside,
    loaded_stack,
)

CALLERS, FREE_CALLERS = 8, 32
"""Callers that measure the capacity, and those that the rate may occupy: a request that finds none
free counts its wait."""
CAPACITY_S = 30.0
QUIET_SHARE, QUIET_S = 0.2, 60.0
"""The quiet time is this share of the long run, and at least so long."""
LOAD = 0.8
EVERY = 100
"""One call of a model in so many meets the fault of the moment."""
SAMPLE_S = 2.0
MOST_TIMES_SLOWER = 2.0
"""How much slower p99 may be with faults than in the quiet time."""
BLOCKS, T_95 = 20, 2.101
"""Memory is averaged over blocks of the run, because successive samples are alike; and Student's t
for a line through so many."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Mean resident memory of the router's processes, in MB."""

    at_s: float
    router: float


class MemorySamples:
    def __init__(self, stack: StackInfo) -> None:
        self._stack = stack
        self._next = 0.0
        self.taken: list[Memory] = []

    def __call__(self, now_s: float, /) -> None:
        if now_s >= self._next:
            self.taken.append(Memory(now_s, router_mb(self._stack)))
            self._next = now_s + SAMPLE_S


@dataclass(frozen=True, slots=True)
class Run:
    capacity: float
    minutes: float
    quiet: Sequence[Sent]
    loaded: Sequence[Sent]
    memory: Sequence[Memory]
    killed: int
    faults: int
    replayed: int
    accounts: StackAccounts

    @property
    def lost(self) -> int:
        answered = [e.request_id for e in (*self.quiet, *self.loaded) if e.status == 200]
        return sum(each not in self.accounts.requests for each in answered)


def measure() -> Section:
    minutes = float(os.environ.get("SOAK_MINUTES", "5"))
    return section(soak(minutes, int(os.environ.get("SOAK_KILLS", "0"))))


def soak(minutes: float, kills: int = 0) -> Run:
    with loaded_stack() as loaded:
        return _run(loaded, minutes * 60, kills)


def _run(loaded: LoadedStack, seconds: float, kills: int) -> Run:
    load = Load(loaded.client)
    load.capacity(CALLERS, CAPACITY_S / 3)  # processes start
    capacity = load.capacity(CALLERS, CAPACITY_S)
    _say(f"capacity {capacity:.1f} requests/s")
    rate = LOAD * capacity
    quiet = load.at(rate, max(QUIET_S, QUIET_SHARE * seconds), FREE_CALLERS)
    _say(f"{len(quiet)} quiet requests")
    memory = MemorySamples(loaded.stack)
    killing = Kills(loaded.stack, seconds / (kills + 1) if kills else inf)
    with beside(ChangingFaults(loaded.proxy, EVERY), killing, memory):
        under_faults = load.at(rate, seconds, FREE_CALLERS)
    _say(f"{len(under_faults)} requests with faults")
    loaded.proxy.inject()
    met = sum(call.fault is not None for call in loaded.proxy.calls)
    saved = replay(loaded.stack, loaded.logs).saved
    accounts = accounts_of(loaded.stack)
    return Run(
        capacity, seconds / 60, quiet, under_faults, memory.taken, killing.killed, met, saved,
        accounts,
    )  # fmt: skip


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


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


def settled(memory: Sequence[Memory]) -> Sequence[Memory]:
    """Leave out the first third, in which processes warm up, and average the rest by blocks."""
    rest = memory[len(memory) // 3 :]
    size = max(len(rest) // BLOCKS, 1)
    blocks = [rest[start : start + size] for start in range(0, len(rest) - size + 1, size)]
    return [Memory(fmean(m.at_s for m in b), fmean(m.router for m in b)) for b in blocks[:BLOCKS]]


def slope(memory: Sequence[Memory]) -> tuple[float, float]:
    """Return MB per hour, and the half-width of its 95% interval."""
    hours = [each.at_s / 3600 for each in memory]
    sizes = [each.router for each in memory]
    if len(memory) < 3:
        return 0.0, inf
    line = linear_regression(hours, sizes)
    rest = [y - line.intercept - line.slope * x for x, y in zip(hours, sizes, strict=True)]
    mean = fmean(hours)
    spread = sum((x - mean) ** 2 for x in hours)
    variance = sum(each**2 for each in rest) / (len(rest) - 2)
    return line.slope, T_95 * sqrt(variance / spread)


def percentile(seconds: Sequence[float], share: float) -> tuple[float, float, float]:
    """Return the percentile, and the ends of its 95% interval by order statistics (normal
    approximation of the binomial; the largest value where the sample is too small)."""
    ordered, n = sorted(seconds), len(seconds)
    half = 1.96 * sqrt(n * share * (1 - share))
    places = (ceil(n * share), floor(n * share - half), ceil(n * share + half) + 1)
    found = [ordered[min(max(place, 1), n) - 1] for place in places]
    return found[0], found[1], found[2]


def section(run: Run) -> Section:
    blocks, accounts = settled(run.memory), run.accounts
    return Section(
        name="soak",
        title="A long run under load",
        promise="What load, faults and time do to answers, memory and records.",
        method=(
            f"{run.minutes:g} minutes at {LOAD:.0%} of the capacity that the same run measured "
            f"({run.capacity:.1f} requests/s of {CALLERS} callers), on the local stack: the "
            "router in Lambda's runtime emulator, moto, scripted models behind a fault proxy. "
            "Requests are sent at their time whether or not others are answered, and each is "
            f"timed from the moment when it was due. One model call in {EVERY} fails "
            f"({run.faults} calls did), and the kind of fault changes every {CHANGE_S:.0f} s. "
            "The quiet time before it has the same rate and no faults. Repeat with "
            "`SOAK_MINUTES=30 make reliability SUITES=soak`."
        ),
        columns=("Load", "requests", "answered", "p50 s", "p99 s (95% interval)", "max s"),
        rows=(_row("quiet", run.quiet), _row("with faults", run.loaded)),
        aims=tuple(_aims(run, blocks)),
        notes=(
            f"Memory of a router process: {blocks[0].router:.1f} MB, then "
            f"{blocks[-1].router:.1f}, by {len(blocks)} blocks without the first third.",
            f"`records replay` saved {run.replayed} records; {run.killed} processes were killed.",
            f"{len(accounts.requests):,} records, {accounts.by_days:,} requests counted by days, "
            f"{accounts.by_months:,} by keys' months. Costs of records "
            f"{accounts.items_usd:.6f} USD, of days {accounts.days_usd:.6f}, of keys' months "
            f"{accounts.months_usd:.6f}.",
        ),
    )


def _aims(run: Run, blocks: Sequence[Memory]) -> Iterator[Aim]:
    sent = (*run.quiet, *run.loaded)
    answered = sum(each.status == 200 for each in sent)
    yield Aim("every request is answered", f"{answered:,} of {len(sent):,}", answered == len(sent))
    quiet, loaded = (
        percentile([s.seconds for s in each], 0.99) for each in (run.quiet, run.loaded)
    )
    times = loaded[0] / quiet[0]
    yield Aim(
        f"p99 with faults is at most {MOST_TIMES_SLOWER:g} times that of the quiet time",
        f"{times:.2f} times, {loaded[1] / quiet[2]:.2f} to {loaded[2] / quiet[1]:.2f} by the "
        "ends of both intervals",
        times <= MOST_TIMES_SLOWER,
    )
    mb, half = slope(blocks)
    yield Aim(
        "the memory of a router process does not grow: its slope's interval includes 0",
        f"{mb:+.1f} MB per hour, {mb - half:+.1f} to {mb + half:+.1f}",
        mb - half <= 0,
    )
    yield none_of("answered request without a record", run.lost)
    yield same_amount(run.accounts.difference_usd)


def _row(name: str, sent: Sequence[Sent]) -> tuple[str, ...]:
    seconds = [each.seconds for each in sent]
    answered = sum(each.status == 200 for each in sent)
    p99, low, high = percentile(seconds, 0.99)
    figures = (
        f"{median(seconds):.2f}",
        f"{p99:.2f} ({low:.2f} to {high:.2f})",
        f"{max(seconds):.2f}",
    )
    return (name, str(len(sent)), str(answered), *figures)
