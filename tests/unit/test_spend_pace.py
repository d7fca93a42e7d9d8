"""The month's spending so far, and its projection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from route_switch.domain.operations.costs import Counters
from route_switch.services.operations.spend_pace import SpendPace, spend_pace


@dataclass
class FakeTotals:
    """USD by day, for requests and for learning."""

    requests: dict[date, float] = field(default_factory=dict)
    learning: dict[date, float] = field(default_factory=dict)

    def of_days(self, days: Sequence[date]) -> Mapping[date, Counters]:
        return {
            day: {"cost_usd:tier:1": self.requests[day]} if day in self.requests else {}
            for day in days
        }

    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> Mapping[str, Counters]:
        raise NotImplementedError

    def learning_of_days(self, months: Sequence[str]) -> Mapping[date, float]:
        return {day: usd for day, usd in self.learning.items() if f"{day:%Y-%m}" in months}


def days(first: date, count: int, usd: float) -> dict[date, float]:
    return {first + timedelta(days=n): usd for n in range(count)}


def test_the_pace_is_the_mean_of_the_last_seven_full_days() -> None:
    """Ten days of 9 USD, seven of 3, and the first half of today: 13.5 days of November are
    left."""
    spent = days(date(2026, 11, 1), 9, 9.0) | days(date(2026, 11, 10), 7, 3.0)
    spent[date(2026, 11, 17)] = 1.0
    pace = spend_pace(FakeTotals(spent), datetime(2026, 11, 17, 12, tzinfo=UTC))
    assert pace == SpendPace(81 + 21 + 1, 81 + 21 + 1 + 13.5 * 3)


def test_learning_is_included_and_its_weekly_run_counts_once_in_seven_days() -> None:
    totals = FakeTotals(days(date(2026, 11, 1), 16, 1.0), {date(2026, 11, 15): 7.0})
    pace = spend_pace(totals, datetime(2026, 11, 17, tzinfo=UTC))
    assert pace == SpendPace(23.0, 23 + 14 * 2.0)


def test_at_the_start_of_a_month_the_pace_comes_from_the_previous_month() -> None:
    pace = spend_pace(
        FakeTotals(days(date(2026, 11, 1), 30, 2.0)), datetime(2026, 12, 1, tzinfo=UTC)
    )
    assert pace == SpendPace(0.0, 31 * 2.0)


def test_days_without_requests_count_as_days() -> None:
    spent = {date(2026, 11, 9): 0.5, date(2026, 11, 16): 7.0}
    pace = spend_pace(FakeTotals(spent), datetime(2026, 11, 17, tzinfo=UTC))
    assert pace == SpendPace(7.5, 7.5 + 14 * 1.0)


def test_a_young_stage_is_projected_from_its_days_so_far() -> None:
    spent = days(date(2026, 11, 15), 2, 4.0)
    pace = spend_pace(FakeTotals(spent), datetime(2026, 11, 17, tzinfo=UTC))
    assert pace == SpendPace(8.0, 8 + 14 * 4.0)


def test_on_the_first_day_the_pace_comes_from_the_hours_so_far() -> None:
    pace = spend_pace(FakeTotals({date(2026, 11, 30): 3.0}), datetime(2026, 11, 30, 18, tzinfo=UTC))
    assert pace == SpendPace(3.0, 3 + 0.25 * 4.0)


def test_without_requests_nothing_is_spent_or_projected() -> None:
    assert spend_pace(FakeTotals(), datetime(2026, 11, 17, tzinfo=UTC)) == SpendPace(0.0, 0.0)
