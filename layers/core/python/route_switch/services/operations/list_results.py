"""List requests, newest first, in pages.

The list has an entry per request, by time, so a page costs the same however many requests exist. A
filter that few requests pass must read many entries; then a page ends early, and its position says
where to continue. Positions are places in time: a walk over the pages shows each request once, also
while new requests arrive.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Protocol

from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.domain.operations.result_query import RatedRow, ResultQuery
from route_switch.domain.result_row import ResultRow

MAX_EXAMINED = 2_000
MAX_DAYS = 100
TIME_LIMIT_S = 5.0
"""A call reads nothing more after this."""
CHUNK = 250
"""Entries to examine at a time if there is a filter."""
DAYS_AT_ONCE = 6
"""Days whose counters are read at a time: they fit into one read."""


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """`row` is None if the request has expired, or if this release cannot read the entry."""

    position: str
    row: ResultRow | None


class ListedResults(Protocol):
    """The entries of the list. Every method may raise `StoreError`."""

    def of_day(self, day: date, before: str, chunk: int) -> Iterator[ListedEntry]:
        """Yield the entries of a day that are older than the position, newest first. Read about
        `chunk` at a time."""
        ...

    def days_with_requests(self, days: Sequence[date]) -> set[date]: ...

    def feedback_on(self, request_ids: Sequence[str]) -> Mapping[str, GivenFeedback]:
        """Return the feedback by request, for those that have any."""
        ...


@dataclass(frozen=True, slots=True)
class ResultPage:
    """`older` is the position to continue from; None if there is nothing more."""

    rows: tuple[RatedRow, ...]
    older: str | None
    examined: int


@dataclass(frozen=True, slots=True)
class _Read:
    """Entries that were read together. `position` is where to continue after them."""

    entries: Sequence[ListedEntry]
    position: str


class ListResults:
    def __init__(self, results: ListedResults, clock: Callable[[], float] = time.monotonic) -> None:
        self._results = results
        self._clock = clock

    def __call__(self, query: ResultQuery) -> ResultPage:
        """Read one row more than the page shows, which tells whether there are more."""
        until = self._clock() + TIME_LIMIT_S
        found: list[RatedRow] = []
        examined = 0
        for read in self._read(query):
            examined += len(read.entries)
            found += self._matching(query, read.entries)
            if len(found) > query.limit:
                shown = tuple(found[: query.limit])
                return ResultPage(shown, shown[-1].row.position, examined)
            if examined >= MAX_EXAMINED or self._clock() >= until:
                return ResultPage(tuple(found), read.position, examined)
        oldest_read = (self._last_day(query) - timedelta(MAX_DAYS - 1)).isoformat()
        more = oldest_read > query.first.isoformat()
        return ResultPage(tuple(found), oldest_read if more else None, examined)

    def _matching(self, query: ResultQuery, entries: Sequence[ListedEntry]) -> list[RatedRow]:
        rows = (each.row for each in entries)
        fitting = [row for row in rows if row is not None and query.fits(row)]
        said = self._results.feedback_on([row.request_id for row in fitting])
        rated = [RatedRow(row, said.get(row.request_id)) for row in fitting]
        return [each for each in rated if each.has_thumb(query.thumb)]

    def _read(self, query: ResultQuery) -> Iterator[_Read]:
        chunk = CHUNK if query.is_filtered else query.limit + 1
        for day in self._days(query):
            entries = self._results.of_day(day, query.start, chunk)
            while read := list(islice(entries, chunk)):
                yield _Read(read, read[-1].position)
            yield _Read((), day.isoformat())

    def _days(self, query: ResultQuery) -> Iterator[date]:
        """Yield the newest day, whose counters may lag behind, and the days before it that have
        requests."""
        newest = self._last_day(query)
        days = [newest - timedelta(n) for n in range(MAX_DAYS)]
        left = [day for day in days if day >= query.first]
        yield from left[:1]
        for start in range(1, len(left), DAYS_AT_ONCE):
            window = left[start : start + DAYS_AT_ONCE]
            busy = self._results.days_with_requests(window)
            yield from (day for day in window if day in busy)

    def _last_day(self, query: ResultQuery) -> date:
        """Return the newest day that may have rows before the start."""
        day = date.fromisoformat(query.start[:10])
        return day if len(query.start) > len("YYYY-MM-DD") else day - timedelta(1)
