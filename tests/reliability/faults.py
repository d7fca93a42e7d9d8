"""The matrix of faults: every target of the router with every kind of fault, alone and in pairs."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from statistics import median

from route_switch.domain.intervals import wilson
from route_switch.services.operations.replay_records import Replayed
from tests.reliability.section import Section
from tests.support.faults import (
    KINDS,
    SINGLES,
    STORES,
    TARGETS,
    Scenario,
    Target,
    needed_pairs,
    pairs,
)
from tests.support.faulty_router import FaultyRouter, Kept, Outcome, faulty_router

SEED = 17
PAIRS = 50
WARM, COLD = 28, 1
WARM_BESIDE_RETRIES = 6
"""Of scenarios in which each record waits up to 2 s for botocore's repeats."""
COLUMNS = (
    "Faults of",
    "warm: answered",
    "cold: answered",
    "streams cut",
    "p50 s",
    "max s",
    "not recorded",
    "errors that say nothing",
)
NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Row:
    """`warm` outcomes are first, then those of new processes."""

    scenario: Scenario
    warm: tuple[Outcome, ...]
    cold: tuple[Outcome, ...]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return self.warm + self.cold

    @property
    def name(self) -> str:
        return " + ".join(map(str, self.scenario)) or "none"

    def unrecorded(self, kept: Kept) -> list[str]:
        """Return the ids of requests that were answered, or failed after calls, without record."""
        routed = [each for each in self.outcomes if each.answer.status in (200, 502, 504)]
        return [each.request_id for each in routed if each.request_id not in kept.ids]


def tried(router: FaultyRouter, scenario: Scenario, warm: int, cold: int) -> Row:
    """Send requests while the faults last. A warm process has served before them."""
    router.proxy.inject(scenario)
    try:
        served = tuple(router.ask(next(NUMBERS)) for _ in range(warm))
        new = []
        for _ in range(cold):
            router.cold()
            new.append(router.ask(next(NUMBERS)))
        return Row(scenario, served, tuple(new))
    finally:
        router.proxy.inject()


def measure() -> Section:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each of moto's answers
    started = time.monotonic()
    amount = os.environ.get("FAULT_PAIRS", str(PAIRS))
    singles = [(fault,) for fault in SINGLES]
    drawn = [*needed_pairs(), *pairs(None if amount == "all" else int(amount), SEED)]
    with faulty_router() as router:
        rows = [_from_warm(router, scenario) for scenario in ((), *singles, *drawn)]
        _settle(router, rows)
        kept = router.kept()
        replayed = router.replay()
        notes = [*_notes(rows, kept), _accounts(router, replayed)]
    return Section(
        name="faults",
        title="Faults of models and stores",
        promise="While one tier lives, requests are answered within their deadline and recorded.",
        method=_method(rows, len(drawn), time.monotonic() - started),
        columns=COLUMNS,
        rows=tuple(_by_target(rows, kept)),
        notes=tuple(notes),
    )


def _from_warm(router: FaultyRouter, scenario: Scenario) -> Row:
    """A process that has served a request before the faults."""
    router.cold()
    router.ask(0)
    repeats = any(fault.target == "dynamodb" for fault in scenario)
    row = tried(router, scenario, WARM_BESIDE_RETRIES if repeats else WARM, COLD)
    slowest = max(each.seconds for each in row.warm)
    cold = ", ".join(f"{each.answer.status} after {each.seconds:.1f} s" for each in row.cold)
    sys.stderr.write(f"{row.name}: at most {slowest:.1f} s; cold: {cold}\n")
    return row


def _settle(router: FaultyRouter, rows: Sequence[Row]) -> None:
    """Give records that are still being written 10 s."""
    ends = time.monotonic() + 10
    kept = router.kept()
    while any(row.unrecorded(kept) for row in rows) and time.monotonic() < ends:
        kept = router.kept()


def _method(rows: Sequence[Row], drawn: int, seconds: float) -> str:
    n = sum(len(row.outcomes) for row in rows)
    return (
        f"{n} requests in turn in {len(rows)} scenarios: no fault, {len(SINGLES)} single faults "
        f"({', '.join(kind.name for kind in KINDS)}), {len(needed_pairs())} pairs in which the "
        f"fallback or the queue is needed, and {drawn - len(needed_pairs())} pairs drawn by seed "
        f"{SEED}. In each, {WARM} requests go to a process that has served before "
        f"({WARM_BESIDE_RETRIES} where DynamoDB fails) and {COLD} to a new one. They took "
        f"{seconds:.0f} s, and were of three protocols, streamed and not. The router's handler "
        "runs in one process (one query in four is so long that S3 stores it) and reaches scripted "
        "models and moto's server over HTTP through a fault proxy "
        "(`tests/support/fault_proxy.py`). Time limits are shortened by configuration: router "
        "0.5 s, attempt 1 s, silence 0.8 s, request 12 s. Repeat with "
        "`make reliability SUITES=faults`; `FAULT_PAIRS=all` tries all pairs."
    )


def _by_target(rows: Sequence[Row], kept: Kept) -> Iterable[tuple[str, ...]]:
    yield _line("none", [row for row in rows if not row.scenario], kept)
    for target in TARGETS:
        singles = [row for row in rows if [fault.target for fault in row.scenario] == [target]]
        yield _line(target, singles, kept)
    doubles = [row for row in rows if len(row.scenario) == 2]
    yield _line("pairs of models", [row for row in doubles if not _stores(row)], kept)
    yield _line("pairs with a store", [row for row in doubles if _stores(row)], kept)


def _stores(row: Row) -> set[Target]:
    return {fault.target for fault in row.scenario} & set(STORES)


def _line(name: str, rows: Sequence[Row], kept: Kept) -> tuple[str, ...]:
    every = [each for row in rows for each in row.outcomes]
    seconds = [each.seconds for each in every] or [0.0]
    return (
        name,
        _share([each for row in rows for each in row.warm]),
        _share([each for row in rows for each in row.cold]),
        str(sum(each.broke_off for each in every)),
        f"{median(seconds):.2f}",
        f"{max(seconds):.1f}",
        str(sum(len(row.unrecorded(kept)) for row in rows)),
        str(sum(not each.teaches for each in every)),
    )


def _share(outcomes: Sequence[Outcome]) -> str:
    whole = [each for each in outcomes if not each.broke_off]
    return f"{sum(each.is_answered for each in whole)} of {len(whole)}"


def _interval(outcomes: Sequence[Outcome]) -> str:
    whole = [each for each in outcomes if not each.broke_off]
    low, high = wilson(sum(each.is_answered for each in whole), len(whole))
    return f"{_share(outcomes)} ({low:.4f} to {high:.4f})"


def _notes(rows: Sequence[Row], kept: Kept) -> Iterable[str]:
    warm = [each for row in rows for each in row.warm]
    yield f"Answered within the deadline, warm: {_interval(warm)}."
    models = [each for row in rows if not _stores(row) for each in row.outcomes]
    yield f"Faults of models alone, warm and cold: {_interval(models)}."
    cold = [each for row in rows if _stores(row) for each in row.cold]
    refused = [each.seconds for each in cold if not each.is_answered] or [0.0]
    yield (
        f"New processes without a store: {_interval(cold)}; the others were refused within "
        f"{max(refused):.1f} s."
    )
    cut = [each for row in rows for each in row.outcomes if each.broke_off]
    yield (
        f"{len(cut)} streams broke off after their first token, as their provider did. The client "
        "is told by an error event, and the record is partial. They are in none of the shares."
    )
    missed = [row.name for row in rows if _missed(row)]
    yield f"Scenarios that missed a warm answer: {'; '.join(missed) or 'none'}."
    extra = len(kept.table & (kept.queue | kept.log))
    yield (
        f"{len(kept.table)} records in the table, {len(kept.queue)} in the queue and "
        f"{len(kept.log)} in the log; {extra} of those are in the table as well."
    )


def _missed(row: Row) -> bool:
    return not all(each.is_answered or each.broke_off for each in row.warm)


def _accounts(router: FaultyRouter, replayed: Replayed) -> str:
    """Compare what every place has after queue and log have been replayed."""
    kept = router.kept()
    return (
        f"A replay then saved {replayed.saved} records and found {replayed.already_counted} that "
        f"were counted before. After it: {len(kept.table)} records, {kept.counted} requests "
        f"counted by days; costs of records {kept.items_usd:.9f} USD, of days "
        f"{kept.days_usd:.9f}, of keys' months {kept.months_usd:.9f}. {len(router.proxy.calls)} "
        "calls passed the proxy."
    )
