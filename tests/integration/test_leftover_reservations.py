"""What a killed function left reserved in a budget is settled by the hourly check."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.operations.dynamodb_budgets import DynamoDbBudgets
from route_switch.adapters.operations.dynamodb_replay import DynamoDbHome
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.results_table import budget_key
from route_switch.domain.errors import StoreError
from route_switch.domain.operations.budgets import LogPosition
from route_switch.services.admit_request import AdmitRequest
from route_switch.services.announce_request import announcement
from route_switch.services.operations import replay_log
from route_switch.services.operations.replay_log import LogLine, ReplayLog
from route_switch.services.operations.replay_records import Replayed, ReplayRecords
from route_switch.services.operations.settle_budgets import SettleBudgets, Settlement
from route_switch.services.record_request import RecordRequest
from tests.integration.conftest import LONG, Api, MakeApi, add_key, by_model
from tests.support.accounts import NoTexts, metrics_line
from tests.support.budget_simulation import run
from tests.support.clock import NOW, stop_clock
from tests.support.records import answered
from tests.support.upstream import Reply, completion

KEY, ID = "rs-team", "key_rs-team"
PAID = (1000 * 0.1 + 1 * 0.4 + 40 * 3 + 90 * 5) / 1e6
"""What each answered request costs."""
LATER = NOW + timedelta(hours=2)


@pytest.fixture(autouse=True)
def _clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch)


@pytest.fixture
def team(api: Api) -> Api:
    add_key(KEY, monthly_budget_usd={"N": "5"})
    api.upstream.script = by_model(
        router=completion("2", 1000, 1), medium=completion("Because.", 40, 90)
    )
    return api


def numbers() -> dict[str, float]:
    """Return the amounts in the key's budget."""
    for item in boto3.client("dynamodb").scan(TableName="results")["Items"]:
        if item["pk"]["S"].startswith(f"BUDGET#{ID}#"):
            return {name: float(value["N"]) for name, value in item.items() if "N" in value}
    return {}


def taken() -> float:
    return numbers()["taken_usd"]


def reserved() -> float:
    return sum(usd for name, usd in numbers().items() if name.startswith("open_"))


def killed(stage: Api, monkeypatch: pytest.MonkeyPatch, *, settled: bool, saved: bool) -> None:
    """Answer a request, and end the function before it settles the budget or saves the record."""
    with monkeypatch.context() as patch:
        if not settled:
            patch.setattr(AdmitRequest, "settle", lambda *_: None)
        if not saved:
            patch.setattr(RecordRequest, "__call__", lambda *_: True)
        assert stage.chat(LONG, key=KEY).status == 200


def settle(log: str = "", now: datetime = LATER, *, has_time: bool = True) -> list[Settlement]:
    """Do what the hourly monitor does, with this log."""

    def replay(
        key_id: str, start: LogPosition, end: datetime, has_time: Callable[[], bool]
    ) -> LogPosition:
        assert key_id == ID
        service.log(log.splitlines(), Replayed())
        return LogPosition(end)

    dynamodb: Any = boto3.client("dynamodb")
    home = DynamoDbHome(dynamodb, "results", DynamoDbResultStore(dynamodb, "results", NoTexts()))
    service = ReplayRecords(home, 90, lambda: LATER)
    totals = DynamoDbTotals(dynamodb, "results")
    service_of_hour = SettleBudgets(DynamoDbBudgets(dynamodb, "results"), totals, replay)
    return service_of_hour([ID], now, lambda: has_time)


def test_requests_that_ended_leave_nothing_reserved(team: Api) -> None:
    for _ in range(3):
        assert team.chat(LONG, key=KEY).status == 200
    assert reserved() == 0
    assert taken() == pytest.approx(3 * PAID)
    assert settle() == []


@pytest.mark.parametrize(("settled", "saved"), [(False, True), (True, False), (False, False)])
def test_wherever_it_was_killed_the_budget_ends_at_what_was_paid(
    team: Api,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settled: bool,
    saved: bool,
) -> None:
    assert team.chat(LONG, key=KEY).status == 200
    killed(team, monkeypatch, settled=settled, saved=saved)
    before = taken()
    done = settle(capsys.readouterr().out)
    if not settled:
        assert before > 10 * PAID, "the most that it may have cost is reserved"
        assert [each.charged_usd for each in done] == [pytest.approx(PAID)]
    assert taken() == pytest.approx(2 * PAID)
    assert reserved() == 0
    assert settle(capsys.readouterr().out) == [], "once"


def test_a_request_killed_before_its_answer_is_charged_what_the_log_announced(
    team: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its provider may have charged it: money is spent only within the budget."""
    killed(team, monkeypatch, settled=False, saved=False)
    log = [line for line in capsys.readouterr().out.splitlines() if "worst_usd" in line]
    before = reserved()
    [done] = settle("\n".join(log))
    assert done.charged_usd == pytest.approx(before, abs=1e-8)
    assert reserved() == 0
    assert settle("\n".join(log)) == []


def test_requests_that_may_still_run_are_left_alone(
    team: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(team, monkeypatch, settled=False, saved=True)
    for soon in (NOW, NOW + timedelta(minutes=59), NOW + timedelta(minutes=60)):
        assert settle(now=soon) == []
    assert reserved() > 0


@pytest.mark.parametrize("minute", [0, 1, 59])
@pytest.mark.parametrize("hour", [0, 11, 22, 23])
def test_a_leftover_is_settled_when_the_second_hour_after_it_begins(
    api: Api, hour: int, minute: int
) -> None:
    limits = DynamoDbKeyLimits(boto3.client("dynamodb"), "results")
    at = NOW.replace(hour=hour, minute=minute)
    due = at.replace(minute=0, second=0) + timedelta(hours=2)
    assert limits.reserve(ID, at, 0.5, 5.0)
    assert settle(now=due - timedelta(seconds=1)) == []
    assert len(settle(now=due)) == 1


def test_without_time_left_a_budget_waits_for_another_hour(
    team: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(team, monkeypatch, settled=False, saved=True)
    assert settle(has_time=False) == []
    assert reserved() > 0
    assert len(settle()) == 1


def test_what_cannot_be_looked_up_in_the_log_stays_reserved(
    team: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("The router's log is unavailable.")

    killed(team, monkeypatch, settled=False, saved=False)
    monkeypatch.setattr(ReplayRecords, "log", fail)
    assert settle() == []
    assert reserved() > 0


@dataclass
class Log:
    """The lines of a key in the router's log, in pages of two. `read` has the times that were asked
    for; a process has time for `pages` of them."""

    lines: list[LogLine]
    pages: int
    read: list[LogLine] = field(default_factory=list)

    def __call__(self, key_id: str, start: datetime, end: datetime) -> Iterator[list[LogLine]]:
        found = [line for line in self.lines if start <= line.at < end]
        for first in range(0, len(found), 2):
            self.pages -= 1
            self.read += found[first : first + 2]
            yield found[first : first + 2]

    def settle(self, now: datetime, pages: int) -> list[Settlement]:
        self.pages, dynamodb = pages, boto3.client("dynamodb")
        store = DynamoDbResultStore(dynamodb, "results", NoTexts())
        records = ReplayRecords(DynamoDbHome(dynamodb, "results", store), 90, lambda: now)
        budgets, totals = DynamoDbBudgets(dynamodb, "results"), DynamoDbTotals(dynamodb, "results")
        service = SettleBudgets(budgets, totals, ReplayLog(records, self))
        return service([ID], now, lambda: self.pages > 0)


def leaked(at: datetime, number: int, *, is_answered: bool) -> list[LogLine]:
    """Reserve 0.01 USD for a request whose function is killed, and return its lines of the log."""
    assert DynamoDbKeyLimits(boto3.client("dynamodb"), "results").reserve(ID, at, 0.01, 5.0)
    record = replace(answered(f"r{number}", "hello", at + timedelta(seconds=9)), key_id=ID)
    lines = [LogLine(at, announcement(f"r{number}", ID, at, 0.01))]
    later = LogLine(at + timedelta(seconds=9), metrics_line(record))
    return [*lines, later] if is_answered else lines


HOUR_BEFORE = NOW.replace(minute=0, second=0)


def test_a_log_that_is_longer_than_a_run_is_read_in_several_runs_and_each_line_once(
    results_table: str,
) -> None:
    lines = [
        line
        for number in range(20)
        for line in leaked(
            HOUR_BEFORE + timedelta(minutes=2 * number), number, is_answered=number % 4 > 0
        )
    ]
    log = Log(sorted(lines, key=lambda line: line.at), 0)
    runs = [log.settle(LATER + timedelta(hours=n), pages=6) for n in range(8)]
    done = [settled for run_ in runs for settled in run_]
    paid = answered("r", "hello", NOW).cost_usd or 0.0
    assert [each.charged_usd for each in done] == [pytest.approx(5 * 0.01 + 15 * paid)]
    assert not any(runs[:2]), "it took several"
    assert reserved() == 0
    assert len(log.read) < 1.5 * len(lines), "each run begins with the last line before it"


def test_more_requests_in_flight_than_an_item_holds_are_read_again(
    results_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_log, "MOST_ANNOUNCED", 2)
    log = Log([], 0)
    for number in range(6):
        at = HOUR_BEFORE + timedelta(seconds=number)
        log.lines += leaked(at, number, is_answered=number % 2 > 0)
    log.lines.sort(key=lambda line: line.at)
    assert log.settle(LATER, pages=3) == []
    done = log.settle(LATER + timedelta(hours=1), pages=9)
    paid = answered("r", "hello", NOW).cost_usd or 0.0
    assert [each.charged_usd for each in done] == [pytest.approx(3 * 0.01 + 3 * paid)]


def test_a_log_that_cannot_be_read_to_its_end_is_read_on_from_there(
    results_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(leaked(HOUR_BEFORE, 1, is_answered=True), 0)
    log.lines += leaked(HOUR_BEFORE + timedelta(minutes=30), 2, is_answered=True)

    def fail(*_: object) -> None:
        raise StoreError("The router's log is unavailable.")

    with monkeypatch.context() as patch:
        patch.setattr(ReplayRecords, "part_of_log", fail)
        assert log.settle(LATER, pages=99) == []
    assert reserved() == pytest.approx(0.02)
    assert len(log.settle(LATER, pages=99)) == 1


@pytest.mark.parametrize("days", [0, 1, 5, 29])
def test_a_leftover_of_an_earlier_day_is_looked_up_in_the_log_of_that_day(
    results_table: str, days: int
) -> None:
    log = Log(leaked(HOUR_BEFORE - timedelta(days=days), 1, is_answered=True), 0)
    [settled] = log.settle(LATER, pages=99)
    assert settled.charged_usd == pytest.approx(answered("r", "hello", NOW).cost_usd)
    assert log.read == log.lines


def test_leftovers_of_several_days_in_one_hour_are_looked_up_in_all_of_them(
    results_table: str,
) -> None:
    log = Log([], 0)
    for days in (9, 3):
        log.lines += leaked(HOUR_BEFORE - timedelta(days=days), days, is_answered=True)
    [settled] = log.settle(LATER, pages=99)
    assert settled.charged_usd == pytest.approx(2 * (answered("r", "hello", NOW).cost_usd or 0))


def test_an_hour_in_which_all_is_settled_is_forgotten_and_its_day_with_it(
    results_table: str,
) -> None:
    limits, log = DynamoDbKeyLimits(boto3.client("dynamodb"), "results"), Log([], 0)
    early = HOUR_BEFORE - timedelta(days=20)
    assert limits.reserve(ID, early, 0.5, 5.0)
    limits.settle(ID, early, 0.5, 0.1, 0.0)
    assert numbers()["day_23"] == 10
    assert log.settle(early + timedelta(hours=2), pages=99) == []
    assert {"day_23", "open_23"}.isdisjoint(numbers())
    log.lines = leaked(HOUR_BEFORE, 1, is_answered=True)
    assert numbers()["day_23"] == 30
    assert len(log.settle(LATER, pages=99)) == 1
    assert {"day_23", "open_23"}.isdisjoint(numbers())


def test_a_reservation_of_an_earlier_release_names_no_day_and_is_settled(
    results_table: str,
) -> None:
    log = Log(leaked(HOUR_BEFORE, 1, is_answered=True), 0)
    boto3.client("dynamodb").update_item(
        TableName="results", Key=budget_key(ID, "2026-11"), UpdateExpression="REMOVE day_23"
    )
    [settled] = log.settle(LATER, pages=99)
    assert settled.charged_usd == pytest.approx(answered("r", "hello", NOW).cost_usd)


def test_a_key_whose_log_takes_several_runs_does_not_keep_others_waiting(
    results_table: str,
) -> None:
    budgets = DynamoDbBudgets(boto3.client("dynamodb"), "results")
    for key_id in ("key_busy", "key_other"):
        limits = DynamoDbKeyLimits(boto3.client("dynamodb"), "results")
        assert limits.reserve(key_id, HOUR_BEFORE, 0.5, 5.0)
    [busy] = budgets.of_keys(["key_busy"], ["2026-11"])
    first_minute = LogPosition(HOUR_BEFORE + timedelta(minutes=1))
    budgets.note_replayed(busy, HOUR_BEFORE, first_minute)
    asked = []

    def replay(
        key_id: str, start: LogPosition, end: datetime, has_time: Callable[[], bool]
    ) -> LogPosition:
        asked.append((key_id, start.until))
        return LogPosition(end)

    service = SettleBudgets(budgets, DynamoDbTotals(boto3.client("dynamodb"), "results"), replay)
    assert len(service(["key_busy", "key_other"], LATER)) == 2
    assert asked == [
        ("key_other", HOUR_BEFORE),
        ("key_busy", HOUR_BEFORE + timedelta(minutes=1)),
    ]


def test_the_charge_of_a_late_call_is_kept_and_no_leftover(make_api: MakeApi) -> None:
    api = make_api(request_deadline_s=2, router_timeout_s=0.5)
    add_key(KEY, monthly_budget_usd={"N": "5"})
    api.upstream.script = lambda _: Reply({}, wait_for=api.upstream.released)
    assert api.chat("hello", key=KEY, model="tier-3", max_tokens=16_000).status == 504
    before = taken()
    assert before > 16_000 * 30 / 1e6
    assert (reserved(), settle(), taken()) == (0, [], before)


def test_a_late_call_does_not_hide_what_a_killed_function_cost(
    team: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = DynamoDbKeyLimits(boto3.client("dynamodb"), "results")
    assert limits.reserve(ID, NOW, 0.5, 5.0)
    limits.settle(ID, NOW, 0.5, 0.5, kept_usd=0.5)
    killed(team, monkeypatch, settled=False, saved=False)
    settle(capsys.readouterr().out)
    assert taken() == pytest.approx(0.5 + PAID)


@pytest.mark.parametrize("late", [0.0, 0.25])
def test_a_process_that_wakes_up_after_the_check_settles_nothing_again(
    api: Api, late: float
) -> None:
    limits = DynamoDbKeyLimits(boto3.client("dynamodb"), "results")
    assert limits.reserve(ID, NOW, 0.5, 5.0)
    settle()
    assert taken() == 0
    limits.settle(ID, NOW, 0.5, late, 0.0)
    assert (taken(), reserved()) == (0, 0)


def test_two_checks_at_the_same_moment_settle_once(api: Api) -> None:
    limits = DynamoDbKeyLimits(boto3.client("dynamodb"), "results")
    assert limits.reserve(ID, NOW, 0.5, 5.0)
    budgets = DynamoDbBudgets(boto3.client("dynamodb"), "results")
    [budget] = budgets.of_keys([ID], [f"{NOW:%Y-%m}"])
    left = budget.left_behind(LATER)
    twice: list[Callable[[], bool]] = [lambda: budgets.settle(budget, left, 0.1)] * 2
    assert [each() for each in twice] == [True, False]
    assert taken() == pytest.approx(0.1)


@pytest.mark.parametrize("seed", range(4))
def test_after_kills_anywhere_the_budget_is_charged_exactly_what_is_due(
    results_table: str, seed: int
) -> None:
    done = run(seed, hours=5, per_hour=12)
    assert done.taken_usd == pytest.approx(done.due_usd, abs=1e-8)
    assert done.open_usd == 0


def test_an_update_of_a_budget_costs_one_write_unit_however_long_the_month(
    results_table: str,
) -> None:
    limits = DynamoDbKeyLimits(boto3.client("dynamodb"), "results")
    for number in range(200):
        at = NOW.replace(day=9) + timedelta(hours=number)
        assert limits.reserve(ID, at, 0.123456789012, 1e6)
        limits.settle(ID, at, 0.123456789012, 0.100000000001, 0.012345678901)
        assert limits.reserve(ID, at, 123.456789012, 1e6)
    [item] = boto3.client("dynamodb").scan(TableName="results")["Items"]
    size = sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())
    assert len(item) > 40
    assert size < 1024
