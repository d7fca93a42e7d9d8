"""Cost sums, checked against the requests they consist of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.record_counters import counters_of, counters_of_day, counters_of_key
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.baseline import SavingBasis
from route_switch.domain.operations.costs import CostTotals, Counters, costs_of
from route_switch.domain.request_record import Attempt, RequestRecord, RequestStatus
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from route_switch.services.operations.sum_costs import (
    CostsQuery,
    CostsReport,
    GroupBy,
    SumCosts,
)
from tests.support.records import RECORD

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
KEYS = [
    ApiKey("key_1", "web", "client", tags={"team": "search"}),
    ApiKey("key_2", "batch", "client"),
]
LEARNING = {date(2026, 11, 8): 0.5, date(2026, 11, 22): 1.25}
GROUPS: tuple[GroupBy, ...] = ("day", "tier", "model", "key", "tag")


class FakeTotals:
    """Adds up what the store would write."""

    def __init__(
        self, records: Iterable[RequestRecord], learning: Mapping[date, float] | None = None
    ) -> None:
        self.days: defaultdict[date, dict[str, float]] = defaultdict(dict)
        self.months: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        self.learning = learning or {}
        for record in records:
            month = (record.key_id, f"{record.created_at:%Y-%m}")
            for totals, more in (
                (self.days[record.created_at.date()], counters_of_day(record)),
                (self.months[month], counters_of_key(record)),
            ):
                for name, value in {**counters_of(record), **more}.items():
                    totals[name] = totals.get(name, 0.0) + value

    def of_days(self, days: Sequence[date]) -> Mapping[date, Counters]:
        return {day: self.days[day] for day in days}

    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> Mapping[str, Counters]:
        (month,) = months
        return {key_id: self.months[key_id, month] for key_id in key_ids}

    def learning_of_days(self, months: Sequence[str]) -> Mapping[date, float]:
        return self.learning


def report(totals: FakeTotals, group_by: GroupBy, last: date = LAST) -> CostsReport:
    return SumCosts(totals, lambda: KEYS)(CostsQuery(FIRST, last, group_by))


def total(*records: RequestRecord) -> CostTotals:
    return report(FakeTotals(records), "day").total


def known(amounts: Iterable[float | None]) -> float:
    return sum(amount for amount in amounts if amount is not None)


STATUSES: tuple[RequestStatus, ...] = ("answered", "failed", "dry_run")
money = st.none() | st.floats(0, 1)
attempts = st.builds(
    lambda tier, usd, usage: Attempt(f"m/{tier}", tier, "answered", 1.0, usage, usd),
    st.sampled_from([None, *Tier]),
    money,
    st.none() | st.builds(Usage, *[st.integers(0, 100_000)] * 4),
)


@st.composite
def records(draw: st.DrawFn) -> RequestRecord:
    status = draw(st.sampled_from(STATUSES))
    return replace(
        RECORD,
        key_id=draw(st.sampled_from(["key_1", "key_2", "deleted"])),
        created_at=datetime(2026, 11, draw(st.integers(1, 30)), 12, tzinfo=UTC),
        status=status,
        tier=draw(st.sampled_from(Tier)),
        attempts=tuple(draw(st.lists(attempts, max_size=3))),
        baseline_cost_usd=draw(money) if status == "answered" else None,
    )


@given(st.lists(records(), max_size=12))
def test_the_total_is_the_sum_of_its_requests_for_every_grouping(
    made: list[RequestRecord],
) -> None:
    totals = FakeTotals(made, LEARNING)
    reports = {group: report(totals, group) for group in GROUPS}
    (one,) = {each.total for each in reports.values()}
    spent = known(attempt.cost_usd for record in made for attempt in record.attempts)
    assert one.spent_usd == pytest.approx(spent)
    assert one.without_cost == sum(record.cost_usd is None for record in made)
    used = [attempt.usage for record in made for attempt in record.attempts if attempt.usage]
    assert one.input_tokens == sum(usage.input_tokens for usage in used)
    assert one.cached_input_tokens == sum(usage.cached_input_tokens for usage in used)
    assert one.cache_write_tokens == sum(usage.cache_write_tokens for usage in used)
    answers = [record for record in made if record.status == "answered"]
    assert one.answered == len(answers)
    assert one.without_baseline == sum(r.baseline_cost_usd is None for r in answers)
    assert one.without_saving == sum(r.saved_usd is None for r in answers)
    for each in reports.values():
        assert sum(row.costs.spent_usd for row in each.rows) == pytest.approx(spent)
    for group in ("day", "key", "tag"):
        rows = reports[group].rows
        assert sum(row.costs.answered or 0 for row in rows) == len(answers)
    assert sum(row.costs.answered or 0 for row in reports["tier"].rows) == len(answers)
    assert one.learning_usd == 1.75
    assert sum(row.costs.learning_usd or 0 for row in reports["day"].rows) == 1.75


@given(st.lists(records(), max_size=12))
def test_if_all_costs_are_known_the_saving_is_baseline_minus_spending(
    made: list[RequestRecord],
) -> None:
    clear = [r for r in made if r.cost_usd is not None]
    clear = [r for r in clear if r.status != "answered" or r.baseline_cost_usd is not None]
    costs = report(FakeTotals(clear, LEARNING), "day").total
    assert costs.baseline_usd is not None
    assert costs.saved_usd == pytest.approx(costs.baseline_usd - costs.spent_usd - 1.75)


PAID = replace(
    RECORD,
    attempts=(Attempt("m", Tier.SMALL, "answered", 1.0, cost_usd=0.25),),
    created_at=datetime(2026, 11, 3, tzinfo=UTC),
)


def test_unknown_amounts_are_null_not_zero() -> None:
    costs = total(PAID)
    assert (costs.baseline_usd, costs.saved_usd) == (None, None)
    assert (costs.without_baseline, costs.without_saving) == (1, 1)
    assert total().saved_usd == 0.0


def test_a_charged_request_that_failed_reduces_the_saving() -> None:
    failed = replace(PAID, status="failed")
    costs = total(replace(PAID, baseline_cost_usd=1.0), failed)
    assert costs.saved_usd == pytest.approx(1.0 - 0.25 - 0.25)
    assert costs.without_saving == 0, "a failed request has no saving"


def test_the_known_part_of_a_partly_unknown_cost_counts_as_spent() -> None:
    unpriced = Attempt("new", Tier.LARGE, "answered", 1.0)
    costs = total(replace(PAID, attempts=(*PAID.attempts, unpriced)))
    assert (costs.spent_usd, costs.without_cost) == (0.25, 1)


def test_bounds_of_savings_add_up_and_answers_are_counted_by_what_they_rest_on() -> None:
    assumed = replace(
        PAID,
        baseline_cost_usd=1.0,
        baseline_low_usd=0.5,
        baseline_high_usd=3.0,
        baseline_basis=SavingBasis.PRIOR,
    )
    exact = replace(PAID, baseline_cost_usd=0.25, baseline_basis=SavingBasis.TIER_3)
    costs = total(assumed, assumed, exact, replace(PAID, status="failed"))
    assert costs.saved_usd == pytest.approx(2 * 0.75 - 0.25)
    assert costs.saved_usd_low == pytest.approx(2 * 0.25 - 0.25)
    assert costs.saved_usd_high == pytest.approx(2 * 2.75 - 0.25)
    assert costs.saving_basis == ((SavingBasis.TIER_3, 1), (SavingBasis.PRIOR, 2))


def test_counters_of_an_older_release_have_a_saving_without_bounds() -> None:
    costs = costs_of({"answered": 2.0, "saved_usd": 1.5})
    assert costs.saved_usd_low == costs.saved_usd == costs.saved_usd_high == 1.5
    assert costs.saving_basis == ()


def test_learning_is_charged_only_for_days_in_the_range() -> None:
    totals = FakeTotals([], LEARNING)
    costs = report(totals, "day", last=FIRST + timedelta(days=10)).total
    assert (costs.learning_usd, costs.saved_usd) == (0.5, -0.5)


def test_costs_of_a_deleted_key_are_a_row_without_a_name() -> None:
    rows = report(FakeTotals([PAID, replace(PAID, key_id="deleted")]), "key").rows
    assert [row.group for row in rows] == [KEYS[0], None]
    assert [row.costs.spent_usd for row in rows] == pytest.approx([0.25, 0.25])
    assert rows[1].costs.answered == 1
