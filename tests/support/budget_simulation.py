"""Requests of one key with a budget, whose functions are killed anywhere, on the real stores."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_budgets import DynamoDbBudgets
from route_switch.adapters.operations.dynamodb_replay import DynamoDbHome
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.domain.lost_record import lost_record_as_json
from route_switch.domain.operations.budgets import LogPosition
from route_switch.domain.request_record import RequestRecord
from route_switch.services.announce_request import announcement
from route_switch.services.operations.replay_records import QueuedRecord, Replayed, ReplayRecords
from route_switch.services.operations.settle_budgets import SettleBudgets
from tests.support.accounts import NoTexts, aws_client, metrics_line
from tests.support.records import answered

KEY_ID, MONTH, BUDGET_USD = "key_team", "2026-11", 1e6
FIRST = datetime(2026, 11, 10, tzinfo=UTC)


class Killed(IntEnum):
    """The last thing that a function did."""

    RESERVED = 0
    """The provider may have charged the call: the key is charged what was announced."""
    LOGGED = 1
    SETTLED = 2
    RECORDED = 3
    """Saved, but not settled: both happen at the same time."""
    QUEUED = 4
    NEVER = 5


@dataclass
class Simulation:
    """`due_usd` is what the key has to be charged in the end."""

    rng: random.Random
    due_usd: float = 0.0
    killed: int = 0
    log: list[str] = field(default_factory=list)
    queue: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        dynamodb: Any = aws_client("dynamodb")
        self._limits = DynamoDbKeyLimits(dynamodb, "results")
        self._store = DynamoDbResultStore(dynamodb, "results", NoTexts())
        self._home = DynamoDbHome(dynamodb, "results", self._store)
        self._budgets = DynamoDbBudgets(dynamodb, "results")
        self._totals = DynamoDbTotals(dynamodb, "results")

    def request(self, number: int, at: datetime) -> None:
        record = replace(answered(f"r{number}", "hello", at), key_id=KEY_ID)
        worst_usd = round(self.rng.uniform(0.001, 0.1), 9)
        killed = self.rng.choice([*Killed, *[Killed.NEVER] * 6])
        self.killed += killed is not Killed.NEVER
        assert self._limits.reserve(KEY_ID, at, worst_usd, BUDGET_USD)
        self.log.append(announcement(record.request_id, KEY_ID, at, worst_usd))
        self.due_usd += worst_usd if killed is Killed.RESERVED else record.cost_usd or 0.0
        if killed >= Killed.LOGGED:
            self.log.append(metrics_line(record))
        if killed in {Killed.SETTLED, Killed.QUEUED, Killed.NEVER}:
            self._limits.settle(KEY_ID, at, worst_usd, record.cost_usd or 0.0, 0.0)
        if killed in {Killed.RECORDED, Killed.NEVER}:
            self._store.save(record, int((at + timedelta(days=90)).timestamp()))
        if killed is Killed.QUEUED:
            self.queue.append(_body(record))

    def hour(self, now: datetime) -> None:
        """What the monitor does every hour."""
        service = ReplayRecords(self._home, 90, lambda: now)
        service.queue(_Queue(self.queue), Replayed())

        def replay(
            key_id: str, start: LogPosition, end: datetime, has_time: Callable[[], bool]
        ) -> LogPosition:
            service.log(self.log, Replayed())
            return LogPosition(end)

        SettleBudgets(self._budgets, self._totals, replay)([KEY_ID], now)

    @property
    def taken_usd(self) -> float:
        [budget] = self._budgets.of_keys([KEY_ID], [MONTH])
        return budget.taken_usd

    @property
    def open_usd(self) -> float:
        [budget] = self._budgets.of_keys([KEY_ID], [MONTH])
        return sum(budget.open_usd.values())


@dataclass(frozen=True)
class _Queue:
    bodies: list[str]

    def messages(self) -> Iterator[QueuedRecord]:
        for number, body in enumerate([*self.bodies]):
            yield QueuedRecord(str(number), body, body)

    def remove(self, message: QueuedRecord) -> None:
        self.bodies.remove(message.receipt)


def _body(record: RequestRecord) -> str:
    return json.dumps(lost_record_as_json(record))


def run(seed: int, hours: int, per_hour: int) -> Simulation:
    """Let requests come for some hours, and let the monitor run for three more."""
    simulation = Simulation(random.Random(seed))  # noqa: S311 (a simulation)
    number = 0
    for hour in range(hours + 3):
        start = FIRST + timedelta(hours=hour)
        simulation.hour(start)
        for _ in range(per_hour if hour < hours else 0):
            number += 1
            minute = simulation.rng.randrange(60)
            simulation.request(number, start + timedelta(minutes=minute))
    return simulation
