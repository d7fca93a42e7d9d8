"""When a schedule is due next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.schedule import LOOK_AHEAD, next_start

MONDAY = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("cron(0 3 ? * SUN *)", "2026-12-06T03:00"),
        ("cron(0 3 ? * 1 *)", "2026-12-06T03:00"),
        ("cron(30 11,13 * * ? *)", "2026-11-30T13:30"),
        ("cron(0 12 * * ? *)", "2026-12-01T12:00"),
        ("cron(0/20 12 ? * MON-FRI *)", "2026-11-30T12:20"),
        ("cron(0 0 1 JAN ? *)", "2027-01-01T00:00"),
        ("cron(0 0 1/10 * ? 2027)", "2027-01-01T00:00"),
        ("cron(15 6 29 2 ? *)", None),
        ("cron(0 0 1 1 ? 2031)", None),
        ("cron(0 3 L * ? *)", None),
        ("cron(0 3 ? * SUN#1 *)", None),
        ("rate(7 days)", None),
        ("at(2026-12-01T00:00:00)", None),
    ],
)
def test_the_next_start_is_the_first_one_after_now(expression: str, due: str | None) -> None:
    expected = None if due is None else datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert next_start(expression, MONDAY) == expected


def test_the_default_schedule_can_be_read() -> None:
    assert next_start(LearningConfig().schedule, MONDAY) is not None


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    weekday=st.integers(1, 7),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)),
)
def test_a_weekly_start_is_within_a_week_at_its_time(
    minute: int, hour: int, weekday: int, now: datetime
) -> None:
    moment = now.replace(tzinfo=UTC)
    start = next_start(f"cron({minute} {hour} ? * {weekday} *)", moment)
    assert start is not None
    assert timedelta() < start - moment <= timedelta(days=7) < LOOK_AHEAD
    assert (start.minute, start.hour, start.isoweekday() % 7 + 1) == (minute, hour, weekday)
