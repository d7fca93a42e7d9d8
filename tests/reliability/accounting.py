"""Accounts after concurrent requests with faults, kills, deletions and replays."""

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, TypeVar

from moto import mock_aws

from route_switch.domain.intervals import wilson
from route_switch.domain.router_config import RouterConfig
from tests.integration.conftest import CATALOG, create_results_table
from tests.reliability.section import Section, none_of, same_amount
from tests.support.accounts import Accounts, Ended, Sums, aws_client, hour_ago
from tests.support.faulty_aws import Fault
from tests.support.records import answered

STAGES, REQUESTS, THREADS = 10, 1_000, 8
"""The emulator keeps a copy of each item that it ever held: one stage must stay small."""
FAULT_SHARES = {
    Fault.FAILS_BEFORE: 0.05,
    Fault.ANSWER_LOST: 0.05,
    Fault.KILLED_BEFORE: 0.02,
    Fault.KILLED_AFTER: 0.02,
}
"""Of all calls to DynamoDB and SQS."""
ENDED_SHARES = {Ended.BEFORE_ANSWER: 0.02, Ended.BEFORE_RECORD: 0.05}
"""Of all requests."""
DELETED, QUEUED_AGAIN = 0.2, 0.3
REPLAYS = 20


@dataclass(frozen=True, slots=True)
class Measured:
    requests: int
    kills: int
    faults: int
    replays: int
    deleted: int
    sums: Sums

    @property
    def lost(self) -> int:
        return self.requests - self.sums.requests

    @property
    def twice(self) -> int:
        counted = max(self.sums.counted_by_day, self.sums.counted_by_month)
        return counted - self.sums.requests


Kind = TypeVar("Kind")


class Chance:
    """Faults at random, in any thread, until they are turned off."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 (test data)
        self._lock = Lock()
        self.on, self.faults = True, 0

    def fault(self) -> Fault:
        found = self.one_of(FAULT_SHARES, Fault.NONE) if self.on else Fault.NONE
        self.faults += found is not Fault.NONE
        return found

    def one_of(self, shares: dict[Kind, float], otherwise: Kind) -> Kind:
        with self._lock:
            left = self._draw.random()
        for kind, share in shares.items():
            left -= share
            if left < 0:
                return kind
        return otherwise


def accounts_after(requests: int, threads: int, seed: int) -> Measured:
    logging.getLogger("route_switch").propagate = False
    chance = Chance(seed)
    with mock_aws():
        create_results_table(aws_client("dynamodb"))
        with closing(Accounts(RouterConfig(models=CATALOG), chance.fault)) as accounts:
            _run(accounts, chance, requests, threads)
            chance.on = False
            accounts.replay()
            accounts.replay()
            deleted = len(accounts.deleted_usd)
            return Measured(
                requests, accounts.kills, chance.faults, REPLAYS + 2, deleted, accounts.sums()
            )


def _run(accounts: Accounts, chance: Chance, requests: int, threads: int) -> None:
    every = max(requests // REPLAYS, 1)

    def one(number: int) -> None:
        ended = chance.one_of(ENDED_SHARES, Ended.NOWHERE)
        record = answered(f"r{number}", "hello", hour_ago())
        accounts.request(record, ended)
        if chance.one_of({True: DELETED}, otherwise=False):
            accounts.delete(f"r{number}")
        if chance.one_of({True: QUEUED_AGAIN}, otherwise=False):
            accounts.queue_again(record)
        if number % every == 0:
            accounts.replay()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(requests)))


def _total(stages: list[Measured]) -> Measured:
    def added(kind: type[Measured] | type[Sums], parts: list[Any]) -> dict[str, Any]:
        names = [each.name for each in fields(kind) if each.name != "sums"]
        return {name: sum(getattr(part, name) for part in parts) for name in names}

    sums = Sums(**added(Sums, [stage.sums for stage in stages]))
    return Measured(**added(Measured, [*stages]), sums=sums)


def measure() -> Section:
    found = _total([accounts_after(REQUESTS, THREADS, seed) for seed in range(STAGES)])
    low, high = wilson(found.lost + found.twice, found.requests)
    sums = found.sums
    return Section(
        "accounting",
        "Accounting",
        "Every paid request counts once: the records, the days' counters and the keys' months add "
        "up to the same amount, whatever fails in between.",
        f"{STAGES} stages of {REQUESTS:,} requests each, from {THREADS} threads in one process, "
        "against an emulated DynamoDB and SQS. 10% of all calls to AWS fail, half of them after "
        "they were done; 4% kill the function, and 7% of the requests are killed between two "
        "calls. Of the requests, 20% are deleted, and copies of 30% are queued. Records are "
        "replayed meanwhile, and at the end without faults.",
        ("what", "result"),
        (
            ("requests, of them deleted", f"{found.requests:,}, {found.deleted:,}"),
            ("calls that failed or killed the function", f"{found.faults:,}"),
            ("killed functions", f"{found.kills:,}"),
            ("requests in no account", f"{found.lost}"),
            ("requests counted twice", f"{found.twice}"),
            ("lost or twice, 95% interval", f"{low:.4%} to {high:.4%}"),
            ("records, deleted ones included", f"{sums.items_usd:.6f} USD"),
            ("days", f"{sums.days_usd:.6f} USD"),
            ("keys' months", f"{sums.months_usd:.6f} USD"),
            ("largest difference", f"{sums.difference_usd:.9f} USD"),
            ("of unknown cost", f"{sums.unknown:,}"),
        ),
        (
            "A request that is killed before its answer is known has an unknown cost: it counts as "
            "such, and `records replay` says the most that it can have been.",
        ),
        (
            none_of("request in no account", found.lost),
            none_of("request that is counted twice", found.twice),
            same_amount(sums.difference_usd),
        ),
    )
