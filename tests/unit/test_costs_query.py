"""The parameters of `GET /v1/costs`."""

from datetime import date

import pytest

from route_switch.api.costs_answer import costs_query
from route_switch.domain.errors import RequestRefusedError

TODAY = date(2026, 11, 22)


def asked(**params: str) -> dict[str, str]:
    """`from` is a Python keyword."""
    return {name.strip("_"): value for name, value in params.items()}


def test_the_default_is_the_month_so_far_by_day() -> None:
    query = costs_query({}, TODAY)
    assert (query.first, query.last, query.group_by) == (date(2026, 11, 1), TODAY, "day")
    assert query.days[0] == date(2026, 11, 1)
    assert query.days[-1] == TODAY


@pytest.mark.parametrize(
    ("params", "param", "said"),
    [
        (asked(from_="yesterday"), "from", "YYYY-MM-DD"),
        (asked(to="20261122"), "to", "YYYY-MM-DD"),
        (asked(to="2026-W01-1"), "to", "YYYY-MM-DD"),
        (asked(to="2026-02-30"), "to", "YYYY-MM-DD"),
        (asked(to=""), "to", "YYYY-MM-DD"),
        (asked(to="٢٠٢٦-11-22"), "to", "YYYY-MM-DD"),
        (asked(from_="2026-11-23"), "from", "after 'to' (2026-11-22)"),
        (asked(from_="2025-11-21"), "from", "367 days, but the limit is 366"),
        (asked(from_="0001-01-01", to="9999-12-31"), "from", "366"),
        (asked(group_by="user"), "group_by", "day, tier, model, key"),
    ],
)
def test_an_invalid_parameter_is_named_with_a_remedy(
    params: dict[str, str], param: str, said: str
) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        costs_query(params, TODAY)
    assert (refused.value.status, refused.value.param) == (400, param)
    assert said in str(refused.value)


def test_without_from_the_range_starts_with_the_month_of_to() -> None:
    query = costs_query(asked(to="2026-10-17"), TODAY)
    assert (query.first, query.last) == (date(2026, 10, 1), date(2026, 10, 17))


def test_a_leap_year_is_not_too_long() -> None:
    assert len(costs_query(asked(from_="2024-01-01", to="2024-12-31"), TODAY).days) == 366


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        ("2026-11-01", "2026-11-22", ["2026-11"]),
        ("2026-11-01", "2026-11-30", ["2026-11"]),
        ("2026-09-01", "2026-11-22", ["2026-09", "2026-10", "2026-11"]),
        ("2025-12-01", "2026-01-31", ["2025-12", "2026-01"]),
    ],
)
def test_whole_months_can_be_grouped_by_key(first: str, last: str, months: list[str]) -> None:
    query = costs_query(asked(from_=first, to=last, group_by="key"), TODAY)
    assert query.months == months


@pytest.mark.parametrize(
    ("first", "last", "param", "nearest"),
    [
        ("2026-11-02", "2026-11-22", "from", ("2026-11-01", "2026-11-22")),
        ("2026-11-01", "2026-11-20", "to", ("2026-11-01", "2026-11-22")),
        ("2026-09-10", "2026-10-03", "from", ("2026-09-01", "2026-10-31")),
        ("2026-11-01", "2026-12-05", "to", ("2026-11-01", "2026-11-22")),
        ("2025-01-15", "2026-01-14", "from", ("2025-02-01", "2026-01-31")),
        ("9999-12-02", "9999-12-31", "from", ("9999-12-01", "9999-12-31")),
    ],
)
def test_grouping_partial_months_by_key_is_refused_and_the_suggested_range_is_valid(
    first: str, last: str, param: str, nearest: tuple[str, str]
) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        costs_query(asked(from_=first, to=last, group_by="key"), TODAY)
    begin, end = nearest
    assert refused.value.param == param
    assert f"from={begin}&to={end}." in str(refused.value)
    costs_query(asked(from_=begin, to=end, group_by="key"), TODAY)
