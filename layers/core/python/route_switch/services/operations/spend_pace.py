"""Spending this month so far, and its projection to the end of the month."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from route_switch.domain.operations.costs import costs_of
from route_switch.services.operations.sum_costs import Totals

PACE_DAYS = 7
"""Days that determine the pace. They include each day of the week, and one weekly learning run."""


@dataclass(frozen=True, slots=True)
class SpendPace:
    """USD for requests and learning: the month (UTC) so far, and its projected total."""

    month_usd: float
    projected_month_usd: float


def spend_pace(totals: Totals, now: datetime) -> SpendPace:
    """Project the rest of the month at the mean of the last seven full days. On a younger stage use
    the full days there are, and on its first day the hours so far."""
    today, month_end = now.date(), _next_month(now.date())
    first = today.replace(day=1)
    window = [today - timedelta(days=ago) for ago in range(PACE_DAYS, 0, -1)]
    spent = _by_day(totals, min(first, window[0]), today)
    month_usd = sum(usd for day, usd in spent.items() if day >= first)
    full = [spent.get(day, 0.0) for day in window if day >= min(spent, default=today)]
    midnight = datetime.combine(today, time(), UTC)
    day_s = timedelta(days=1)
    passed = max((now - midnight) / day_s, 1 / 24)
    a_day = sum(full) / len(full) if full else spent.get(today, 0.0) / passed
    left = (datetime.combine(month_end, time(), UTC) - now) / day_s
    return SpendPace(month_usd, month_usd + left * a_day)


def _by_day(totals: Totals, first: date, last: date) -> Mapping[date, float]:
    """Return the spending of each day on which anything was counted."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    learning = totals.learning_of_days(sorted({f"{day:%Y-%m}" for day in days}))
    counters = totals.of_days(days)
    return {
        day: costs_of(counters[day]).spent_usd + learning.get(day, 0.0)
        for day in days
        if counters[day] or day in learning
    }


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
