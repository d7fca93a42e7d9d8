"""Replay one key's part of the router's log, page by page, as far as the time allows."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from route_switch.domain.errors import StoreError
from route_switch.domain.operations.budgets import LogPosition
from route_switch.domain.operations.logged_requests import LoggedRequest, best_of
from route_switch.services.announce_request import announcement
from route_switch.services.operations.replay_records import Replayed, ReplayRecords

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    text: str


class LogPages(Protocol):
    def __call__(self, key_id: str, start: datetime, end: datetime) -> Iterator[Sequence[LogLine]]:
        """Yield the lines that name the key, the oldest first. Raise `StoreError`."""
        ...


SLICE = timedelta(minutes=5)
"""CloudWatch may search for a long time without finding a line. One run reads at least this much of
the log."""


MOST_ANNOUNCED = 1500
"""Announcements of a position, of less than 200 bytes each: an item of DynamoDB holds 400 KB."""


@dataclass(frozen=True, slots=True)
class ReplayLog:
    """Reads each line once, and keeps in memory only the requests whose end was not read yet."""

    records: ReplayRecords
    pages: LogPages

    def __call__(
        self, key_id: str, start: LogPosition, end: datetime, has_time: Callable[[], bool]
    ) -> LogPosition:
        """Return where the next call has to continue: `end` if everything was read and saved."""
        reading = _Reading(self.records, start)
        try:
            for before, page in self._pages(key_id, start.until, end):
                reading.read(page, page[-1].at if page else before)
                if reading.done.failed or not has_time():
                    break
        except StoreError as error:
            logger.warning("The log of %s is not replayed to its end: %s", key_id, error)
        return reading.position

    def _pages(
        self, key_id: str, start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, Sequence[LogLine]]]:
        """Yield pages, each with a time before which everything was read."""
        while start < end:
            after = min(start + SLICE, end)
            for page in self.pages(key_id, start, after):
                yield start, page
            start = after
            yield start, ()


class _Reading:
    """`position` is how far everything was read and saved."""

    def __init__(self, records: ReplayRecords, start: LogPosition) -> None:
        self._records = records
        self._open, _ = best_of(start.announced)
        self.done = Replayed()
        self.position = start

    def read(self, page: Sequence[LogLine], read_until: datetime) -> None:
        texts = (line.text for line in page)
        self._open = self._records.part_of_log(texts, self.done, self._open, read_until)
        if self.done.failed:
            return
        announced = sorted(self._open.values(), key=lambda each: each.record.created_at)
        if len(announced) > MOST_ANNOUNCED:
            read_until = announced[MOST_ANNOUNCED].record.created_at
        lines = (_announcement(each) for each in announced[:MOST_ANNOUNCED])
        self.position = LogPosition(read_until, tuple(lines))


def _announcement(logged: LoggedRequest) -> str:
    record = logged.record
    at_most_usd = logged.at_most_usd or 0.0
    return announcement(record.request_id, record.key_id, record.created_at, at_most_usd)
