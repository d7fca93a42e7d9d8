"""The list of results page by page, over a list in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.domain.operations.result_query import ResultQuery, Thumb, thumb_of
from route_switch.domain.request_record import Attempt
from route_switch.domain.result_row import MAX_ERROR_LENGTH, ResultRow, position_in_time
from route_switch.domain.shadow import ANSWERED_FIRST
from route_switch.domain.tiers import Tier
from route_switch.services.operations import list_results
from route_switch.services.operations.list_results import ListedEntry, ListResults
from tests.support.records import RECORD

TODAY = date(2026, 11, 30)
ROW = ResultRow.of(RECORD)
SAID = {"up": GivenFeedback(adequate=True), "down": GivenFeedback(adequate=False, score=0.2)}


class FakeList:
    """`ListedResults` in memory. It counts what is read."""

    def __init__(self, rows: Sequence[ResultRow], said: Mapping[str, GivenFeedback]) -> None:
        self.rows = list(rows)
        self.said = said
        self.read = 0
        self.days: list[date] = []

    def of_day(self, day: date, before: str, chunk: int) -> Iterator[ListedEntry]:
        self.days.append(day)
        for row in sorted(self.rows, key=lambda row: row.position, reverse=True):
            if row.position.startswith(day.isoformat()) and row.position < before:
                self.read += 1
                has_expired = row.prompt_version == "expired"
                yield ListedEntry(row.position, None if has_expired else row)

    def days_with_requests(self, days: Sequence[date]) -> set[date]:
        return {row.created_at.date() for row in self.rows} & set(days)

    def feedback_on(self, request_ids: Sequence[str]) -> dict[str, GivenFeedback]:
        return {name: self.said[name] for name in request_ids if name in self.said}


def row(number: int, at: datetime, **changes: object) -> ResultRow:
    values: dict[str, object] = {"request_id": f"r{number}", "created_at": at, **changes}
    return replace(ROW, **values)  # type: ignore[arg-type]  # fields of a row


def at(days: int, seconds: float = 0.0) -> datetime:
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
    return noon - timedelta(days=days) + timedelta(seconds=seconds)


def query(**changes: object) -> ResultQuery:
    values: dict[str, object] = {"first": TODAY - timedelta(90), "last": TODAY, **changes}
    return ResultQuery(**values)  # type: ignore[arg-type]  # fields of a query


def walk(results: FakeList, asked: ResultQuery) -> list[str]:
    """Return the ids of all pages."""
    found: list[str] = []
    before = asked.start
    for calls in count():
        page = ListResults(results)(asked.continued(before, asked.limit))
        assert len(page.rows) <= asked.limit
        assert page.examined <= list_results.MAX_EXAMINED + list_results.CHUNK
        found += [each.row.request_id for each in page.rows]
        if page.older is None:
            return found
        assert page.older < before, "a page goes on"
        before = page.older
        assert calls < 1000
    return found


rows = st.lists(
    st.tuples(
        st.integers(0, 95),
        st.sampled_from((0.0, 0.5, 1.0, 1.000001)),
        st.sampled_from(tuple(Tier)),
        st.sampled_from(("live@1", "expired")),
        st.sampled_from((None, 0.1, 2.0)),
        st.sampled_from((None, "up", "down")),
    ),
    max_size=60,
)


@given(
    rows,
    st.integers(1, 7),
    st.sampled_from((None, *Tier)),
    st.sampled_from((None, "up", "down", "none")),
    st.sampled_from((None, 0.1)),
)
def test_a_walk_shows_each_fitting_request_once_newest_first(
    made: list[tuple[int, float, Tier, str, float | None, Thumb | None]],
    limit: int,
    tier: Tier | None,
    thumb: Thumb | Literal["none"] | None,
    usd: float | None,
) -> None:
    listed = [
        row(n, at(days, seconds), tier=of, prompt_version=version, cost_usd=cost)
        for n, (days, seconds, of, version, cost, _) in enumerate(made)
    ]
    said = {f"r{n}": SAID[rated] for n, (*_, rated) in enumerate(made) if rated is not None}
    asked = query(limit=limit, tier=tier, thumb=thumb, min_cost_usd=usd)
    wanted = [
        each
        for each in sorted(listed, key=lambda each: each.position, reverse=True)
        if each.created_at.date() >= asked.first
        and each.prompt_version != "expired"
        and tier in (None, each.tier)
        and (usd is None or (each.cost_usd or 0.0) >= usd)
        and thumb in (None, thumb_of(said.get(each.request_id)) or "none")
    ]
    assert walk(FakeList(listed, said), asked) == [each.request_id for each in wanted]


def test_an_answer_after_a_failed_call_is_found_by_its_error() -> None:
    listed = [
        row(0, at(0), status="answered", error=None),
        row(1, at(1), status="answered", error="openai/small: HTTP 500"),
        row(2, at(2), status="failed", error="openai/large: HTTP 500"),
    ]
    results = FakeList(listed, {})
    assert walk(results, query(error="any")) == ["r1", "r2"]
    assert walk(results, query(error="any", status="answered")) == ["r1"]
    assert walk(results, query(error="none")) == ["r0"]
    assert query(error="none").is_filtered


def test_ten_thousand_requests_are_each_shown_once_while_new_ones_arrive() -> None:
    results = FakeList([row(n, at(0, -90 * n)) for n in range(10_000)], {})
    seen: list[str] = []
    before = query().start
    while before != "":
        page = ListResults(results)(query(limit=200, before=before))
        seen += [each.row.request_id for each in page.rows]
        results.rows.append(row(-len(seen), at(0, len(seen))))
        before = page.older or ""
    assert seen == [f"r{n}" for n in range(10_000)]
    assert results.read < 1.1 * 10_000


def test_a_page_without_a_filter_reads_one_entry_more_than_it_shows() -> None:
    results = FakeList([row(n, at(0, n)) for n in range(500)], {})
    page = ListResults(results)(query(limit=50))
    assert (len(page.rows), page.examined, results.read) == (50, 51, 51)
    assert page.older == page.rows[-1].row.position


def test_the_last_page_says_that_there_is_nothing_more() -> None:
    results = FakeList([row(n, at(n)) for n in range(4)], {})
    first = ListResults(results)(query(limit=2))
    assert first.older is not None
    second = ListResults(results)(query(limit=2, before=first.older))
    assert (len(second.rows), second.older) == (2, None)


def test_a_rare_filter_ends_a_page_early_and_says_where_to_continue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_results, "MAX_EXAMINED", 40)
    monkeypatch.setattr(list_results, "CHUNK", 20)
    made = [row(n, at(0, -n), tier=Tier.LARGE if n == 90 else Tier.SMALL) for n in range(100)]
    results = FakeList(made, {})
    page = ListResults(results)(query(tier=Tier.LARGE))
    assert (page.rows, page.examined) == ((), 40)
    assert page.older == made[39].position
    assert walk(results, query(tier=Tier.LARGE)) == ["r90"]


def test_a_slow_table_ends_a_page_in_time() -> None:
    ticks = count(0, 3)
    results = FakeList([row(n, at(n), tier=Tier.SMALL) for n in range(20)], {})
    page = ListResults(results, lambda: float(next(ticks)))(query(tier=Tier.LARGE))
    assert page.older is not None
    assert page.examined < 3


def test_days_without_requests_are_skipped_and_a_long_gap_takes_another_page() -> None:
    results = FakeList([row(1, at(0)), row(2, at(30)), row(3, at(130))], {})
    asked = query(first=TODAY - timedelta(200))
    page = ListResults(results)(asked)
    assert [each.row.request_id for each in page.rows] == ["r1", "r2"]
    assert results.days == [TODAY, TODAY - timedelta(30)]
    assert page.older == (TODAY - timedelta(list_results.MAX_DAYS - 1)).isoformat()
    assert walk(results, asked) == ["r1", "r2", "r3"]


def test_positions_sort_by_time_in_any_zone_and_with_any_fraction() -> None:
    zoned = at(0).astimezone().replace(microsecond=0)
    places = [position_in_time(each, "r") for each in (zoned, at(0, 0.5), at(0, 1))]
    assert places == sorted(places)
    assert position_in_time(zoned, "r") == "2026-11-30T12:00:00.000000Z#r"


def test_a_row_has_the_error_of_the_last_failed_call_shortened() -> None:
    early = Attempt("m", Tier.SMALL, "failed", 1.0, error="early")
    late = replace(early, error="x" * 500)
    whole = Attempt("m", Tier.SMALL, "answered", 1.0, first_token_ms=12.34)
    left_behind = Attempt("m", None, "timed_out", 1.0, error=ANSWERED_FIRST)
    shown = ResultRow.of(replace(RECORD, attempts=(early, late, whole, left_behind)))
    assert shown.error == "x" * MAX_ERROR_LENGTH
    assert shown.first_token_ms == 12.3
    assert ResultRow.of(replace(RECORD, attempts=(whole, left_behind))).error is None
