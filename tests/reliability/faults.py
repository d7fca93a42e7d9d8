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
from tests.reliability.section import Aim, Section, none_of, same_amount
from tests.support.charges import Compared
from tests.support.faults import (
    KINDS,
    SINGLES,
    STORES,
    TARGETS,
    Scenario,
    Target,
    all_pairs,
    needed_pairs,
    pairs,
)
from tests.support.faulty_router import FaultyRouter, Kept, Outcome, faulty_router

SEED = 17
PAIRS = 50
WARM, COLD = 28, 1
WARM_BESIDE_RETRIES = 6
"""Of pairs in which each record waits up to 2 s for botocore's repeats."""
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

    def unrecorded(self, kept: Kept) -> list[int]:
        """Return the numbers of requests that were routed, or that any model answered, even if the
        client got an error, and that have no record."""
        due = (
            each
            for each in self.outcomes
            if each.answer.status in (200, 502, 504) or each.number in kept.paid
        )
        return [each.number for each in due if each.request_id not in kept.ids]


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
    drawn = pairs(None if amount == "all" else int(amount), SEED)
    doubles = [*dict.fromkeys((*needed_pairs(), *drawn))]
    with faulty_router() as router:
        rows = [_from_warm(router, scenario) for scenario in ((), *singles, *doubles)]
        _settle(router, rows)
        kept = router.kept()
        replayed = router.replay()
        after, compared = router.kept(), router.charges()
    return Section(
        name="faults",
        title="Faults of models and stores",
        promise="While one tier lives, requests are answered within their deadline and recorded.",
        method=_method(rows, time.monotonic() - started),
        columns=COLUMNS,
        rows=tuple(_by_target(rows, kept)),
        aims=tuple(_aims(rows, kept, after, compared)),
        notes=(*_notes(rows, kept), _accounts(after, replayed, compared)),
    )


def _from_warm(router: FaultyRouter, scenario: Scenario) -> Row:
    """A process that has served a request before the faults."""
    router.cold()
    router.ask(0)
    repeats = len(scenario) > 1 and any(fault.target == "dynamodb" for fault in scenario)
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


def _method(rows: Sequence[Row], seconds: float) -> str:
    n = sum(len(row.outcomes) for row in rows)
    doubles = sum(len(row.scenario) == 2 for row in rows)
    return (
        "The router's real handler in one process, on moto's server, with scripted models; a fault "
        "proxy is between it and everything that it calls over HTTP "
        "(`tests/support/fault_proxy.py`). It is neither Lambda nor the local stack. "
        f"{n:,} requests in turn in {len(rows)} scenarios: no fault, all {len(SINGLES)} single "
        f"faults ({', '.join(kind.name for kind in KINDS)}; of models also answers that name "
        f"another model), and {doubles:,} of the {len(all_pairs()):,} pairs: those "
        f"{len(needed_pairs())} in which the fallback or the queue is needed, and others drawn by "
        f"seed {SEED}. In each, {WARM} requests go to a process that has served before "
        f"({WARM_BESIDE_RETRIES} to pairs with DynamoDB) and {COLD} to a new one. They took "
        f"{seconds:.0f} s, and were of three protocols, streamed and not; one query in four is so "
        "long that S3 stores it. Time limits are shortened by configuration: router 0.5 s, attempt "
        "1 s, silence 0.8 s, request 12 s. Each call of a model is compared with what its "
        "request's record charges for it. `FAULT_PAIRS` is the number of pairs to draw, or `all`; "
        "`make soak` draws more."
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
    """A stream that broke off is not answered."""
    return f"{sum(each.is_answered for each in outcomes)} of {len(outcomes)}"


def _interval(outcomes: Sequence[Outcome]) -> str:
    low, high = wilson(sum(each.is_answered for each in outcomes), len(outcomes))
    return f"{_share(outcomes)} ({low:.4f} to {high:.4f})"


def _whole(outcomes: Sequence[Outcome], kept: Kept) -> list[Outcome]:
    """Leave out streams that broke off where the provider's did."""
    return [each for each in outcomes if not (each.broke_off and each.number in kept.cut)]


def _aims(rows: Sequence[Row], kept: Kept, after: Kept, compared: Compared) -> Iterable[Aim]:
    warm = [each for row in rows for each in row.warm]
    every = [each for row in rows for each in row.outcomes]
    whole = _whole(warm, kept)
    yield Aim(
        "a warm process answers every request within its deadline, but for streams that the "
        "provider broke off",
        _share(whole),
        all(each.is_answered for each in whole),
    )
    yield Aim(
        "a warm process answers every request to its end",
        _share(warm),
        all(each.is_answered for each in warm),
    )
    yield none_of(
        "answered or paid request without a record",
        sum(len(row.unrecorded(kept)) for row in rows),
    )
    yield none_of("call of a model that is billed twice", compared.twice)
    yield none_of("whole answer of a model that is not billed", compared.left_out)
    yield none_of("answer that is billed at another price than its model's", compared.wrong)
    yield same_amount(after.difference_usd)
    yield none_of("error that says nothing", sum(not each.teaches for each in every))


def _notes(rows: Sequence[Row], kept: Kept) -> Iterable[str]:
    warm = [each for row in rows for each in row.warm]
    models = [each for row in rows if not _stores(row) for each in row.outcomes]
    for what, some in (("Warm", warm), ("Faults of models alone, warm and cold", models)):
        yield (
            f"{what}: {_interval(some)} answered within the deadline, streams that broke off "
            f"counted as not answered; {_interval(_whole(some, kept))} without them."
        )
    cold = [each for row in rows if _stores(row) for each in row.cold]
    refused = [each.seconds for each in cold if not each.is_answered] or [0.0]
    yield (
        f"New processes without a store: {_interval(cold)}; the others were refused within "
        f"{max(refused):.1f} s."
    )
    cut = [each for row in rows for each in row.outcomes if each.broke_off]
    yield (
        f"{len(cut)} streams broke off after their first token, as their provider did. The client "
        "is told by an error event, and the record is partial."
    )
    missed = [row.name for row in rows if _missed(row, kept)]
    yield f"Scenarios that missed a warm answer otherwise: {'; '.join(missed) or 'none'}."
    extra = len(kept.table & (kept.queue | kept.log))
    yield (
        f"{len(kept.table)} records in the table, {len(kept.queue)} in the queue and "
        f"{len(kept.log)} in the log; {extra} of those are in the table as well."
    )


def _missed(row: Row, kept: Kept) -> bool:
    return not all(each.is_answered for each in _whole(row.warm, kept))


def _accounts(after: Kept, replayed: Replayed, compared: Compared) -> str:
    """Say what every place has after queue and log have been replayed."""
    return (
        f"A replay then saved {replayed.saved} records and found {replayed.already_counted} that "
        f"were counted before. After it: {len(after.table)} records, {after.counted} requests "
        f"counted by days; costs of records {after.items_usd:.9f} USD, of days "
        f"{after.days_usd:.9f}, of keys' months {after.months_usd:.9f}. {compared.calls:,} calls "
        "of models were compared with what the records charge."
    )
