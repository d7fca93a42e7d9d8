"""Accounts of a deployed stack whose router processes are killed under load, with faults.

`KILLED_REQUESTS` is the number of requests (10,000).
"""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.domain.intervals import wilson
from route_switch.services.operations.replay_records import Replayed
from tests.reliability.section import Section, none_of, same_amount
from tests.support.stack_accounts import StackAccounts, accounts_of, replay
from tests.support.stack_load import ChangingFaults, Kills, Load, Sent, beside, loaded_stack

REQUESTS, CALLERS = 10_000, 16
FAULT_EVERY = 20
KILL_EVERY_S = 20.0


@dataclass(frozen=True, slots=True)
class Killed:
    sent: Sequence[Sent]
    seconds: float
    kills: int
    faults: int
    before: StackAccounts
    replayed: Replayed
    again: Replayed
    after: StackAccounts

    @property
    def lost(self) -> int:
        """Requests of which the client has an id, but of which there is no record."""
        known = (each.request_id for each in self.sent if each.status == 200)
        return sum(each not in self.after.requests for each in known)

    @property
    def twice(self) -> int:
        counted = max(self.after.by_days, self.after.by_months)
        return counted - len(self.after.requests)


def measure() -> Section:
    return section(killed(int(os.environ.get("KILLED_REQUESTS", REQUESTS))))


def killed(requests: int) -> Killed:
    with loaded_stack() as loaded:
        kills = Kills(loaded.stack, KILL_EVERY_S)
        started = time.monotonic()
        with beside(ChangingFaults(loaded.proxy, FAULT_EVERY), kills):
            sent = Load(loaded.client).all_of(requests, CALLERS)
        seconds = time.monotonic() - started
        sys.stderr.write(f"{len(sent)} requests in {seconds:.0f} s, {kills.killed} kills\n")
        loaded.proxy.inject()
        met = sum(call.fault is not None for call in loaded.proxy.calls)
        before = accounts_of(loaded.stack)
        replayed, again = (replay(loaded.stack, loaded.logs) for _ in range(2))
        after = accounts_of(loaded.stack)
    return Killed(sent, seconds, kills.killed, met, before, replayed, again, after)


def section(run: Killed) -> Section:
    after, n = run.after, len(run.after.requests)
    low, high = wilson(run.lost + run.twice, n)
    answered = sum(each.status == 200 for each in run.sent)
    missing = sum(each.request_id is None for each in run.sent)
    return Section(
        "killed",
        "Killed processes",
        "What accounts say after concurrent requests with faults, and with killed processes.",
        f"{len(run.sent):,} requests by {CALLERS} concurrent callers in {run.seconds:.0f} s, of "
        "three protocols, streamed and not, on the local stack: the router in Lambda's runtime "
        "emulator, moto, scripted models behind a fault proxy. Every "
        f"{FAULT_EVERY}th call of a model fails ({run.faults:,} did), in a way that changes every "
        f"5 s, and all processes of the router are killed every {KILL_EVERY_S:.0f} s. Then "
        "`records replay` reads the queue and the log. `KILLED_REQUESTS` sets the number.",
        ("what", "result"),
        (
            ("requests, answered", f"{len(run.sent):,}, {answered:,}"),
            ("killed processes; requests cut off from their client", f"{run.kills}, {missing}"),
            ("records before the replay", f"{len(run.before.requests):,}"),
            ("saved by the replay; by a second one", f"{run.replayed.saved}, {run.again.saved}"),
            ("records after it", f"{n:,}"),
            ("counted by days, by keys' months", f"{after.by_days:,}, {after.by_months:,}"),
            ("answered requests without a record", f"{run.lost}"),
            ("requests counted twice", f"{run.twice}"),
            ("lost or twice, 95% interval", f"{low:.4%} to {high:.4%}"),
            ("records", f"{after.items_usd:.9f} USD"),
            ("days", f"{after.days_usd:.9f} USD"),
            ("keys' months", f"{after.months_usd:.9f} USD"),
            ("largest difference", f"{after.difference_usd:.9f} USD"),
            ("of unknown cost", f"{after.unknown}, at most {run.replayed.at_most_usd:.6f} USD"),
        ),
        (
            "A request is named in the log before its first call. One that is killed before that "
            "has cost nothing and has no record.",
        ),
        (
            none_of("answered request without a record", run.lost),
            none_of("request that is counted twice", run.twice),
            none_of("record that a second replay saves", run.again.saved),
            same_amount(after.difference_usd),
        ),
    )
