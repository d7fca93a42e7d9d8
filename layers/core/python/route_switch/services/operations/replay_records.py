"""Save records that are missing from the results table, each exactly once."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from route_switch.domain.errors import StoreError
from route_switch.domain.lost_record import read_lost_record
from route_switch.domain.operations.logged_requests import LineSource, LoggedRequest, best_of
from route_switch.domain.request_record import RequestRecord

UNDER_WAY = timedelta(minutes=15)
"""Lambda ends a function after 15 minutes at the latest: a younger request may still be running."""


@dataclass(frozen=True, slots=True)
class QueuedRecord:
    """A queued record. `receipt` removes it from the queue."""

    message_id: str
    body: str
    receipt: str


class RecordsQueue(Protocol):
    def messages(self) -> Iterator[QueuedRecord]: ...

    def remove(self, message: QueuedRecord) -> None: ...


class Home(Protocol):
    """The results table. Every method may raise `StoreError`."""

    def counted(self, request_ids: list[str]) -> set[str]:
        """Return those that the table has, or had before they were deleted."""
        ...

    def bring_home(self, record: RequestRecord, expires_at: int, at_most_usd: float | None) -> bool:
        """Save the record with its counters, unless it was counted before; return whether it was
        saved. `at_most_usd` bounds its cost if that is unknown."""
        ...

    def reject(self, name: str, body: str, reason: str) -> None:
        """Keep what could not be read."""
        ...


@dataclass(slots=True)
class Replayed:
    """`saved_usd` is the known cost of what was saved; `at_most_usd` bounds that of requests
    (`unknown`) that the log knows only by their announcement."""

    saved: int = 0
    saved_usd: float = 0.0
    already_counted: int = 0
    unknown: int = 0
    at_most_usd: float = 0.0
    under_way: int = 0
    too_old: int = 0
    unreadable_lines: int = 0
    failed: int = 0
    rejected: dict[str, str] = field(default_factory=dict)
    """Reasons by message."""

    def count(self, record: RequestRecord, *, saved: bool) -> None:
        if saved:
            self.saved += 1
            self.saved_usd += record.cost_usd or 0.0
        else:
            self.already_counted += 1


class ReplayRecords:
    """A dry run writes and removes nothing. Any step may be repeated, by this or by another
    process: the table takes each request once, and a message leaves the queue after that."""

    def __init__(
        self, home: Home, retention_days: int, now: Callable[[], datetime], *, dry_run: bool = False
    ) -> None:
        self._home = home
        self._retention = timedelta(days=retention_days)
        self._now = now
        self._dry_run = dry_run

    def queue(
        self, queue: RecordsQueue, done: Replayed, has_time: Callable[[], bool] = lambda: True
    ) -> bool:
        """Return whether the queue was emptied. Stop when `has_time` says no: the messages that are
        left stay in the queue."""
        for message in queue.messages():
            if not has_time():
                return False
            try:
                self._take(message, done)
                if not self._dry_run:
                    queue.remove(message)
            except StoreError:
                done.failed += 1  # the message stays in the queue
        return done.failed == 0

    def log(self, lines: Iterable[str], done: Replayed) -> None:
        """Save records from the log. Saved ones are recognized without a write."""
        found, unreadable = best_of(lines)
        done.unreadable_lines += unreadable
        self._log(found, done)

    def part_of_log(
        self,
        lines: Iterable[str],
        done: Replayed,
        earlier: Mapping[str, LoggedRequest],
        read_until: datetime,
    ) -> dict[str, LoggedRequest]:
        """Save what a part of the log knows. Return the requests that were announced, and may have
        ended after `read_until`: they are `earlier` of the next part."""
        found, unreadable = best_of(lines, earlier)
        done.unreadable_lines += unreadable
        open_ = {
            request_id: logged
            for request_id, logged in found.items()
            if logged.source is LineSource.ANNOUNCEMENT
            and logged.record.created_at + UNDER_WAY > read_until
        }
        self._log({name: each for name, each in found.items() if name not in open_}, done)
        return open_

    def _log(self, found: Mapping[str, LoggedRequest], done: Replayed) -> None:
        missing = set(found) - self._home.counted(sorted(found))
        done.already_counted += len(found) - len(missing)
        for request_id in sorted(missing):
            logged = found[request_id]
            age = self._now() - logged.record.created_at
            if age >= self._retention:
                done.too_old += 1
            elif age < UNDER_WAY and logged.source is not LineSource.RECORD:
                done.under_way += 1
            elif self._saved(logged, done) and logged.at_most_usd is not None:
                done.unknown += 1
                done.at_most_usd += logged.at_most_usd

    def _take(self, message: QueuedRecord, done: Replayed) -> None:
        try:
            content = json.loads(message.body)
            record = read_lost_record(content)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            self._reject(message, f"It is not a record ({type(error).__name__}).", done)
            return
        if self._now() - record.created_at >= self._retention:
            reason = "It is older than retention_days, so it is unknown whether it was counted."
            self._reject(message, reason, done)
            return
        self._save(record, done)

    def _saved(self, logged: LoggedRequest, done: Replayed) -> bool:
        try:
            return self._save(logged.record, done, logged.at_most_usd)
        except StoreError:
            done.failed += 1
            return False

    def _save(
        self, record: RequestRecord, done: Replayed, at_most_usd: float | None = None
    ) -> bool:
        if self._dry_run:
            saved = not self._home.counted([record.request_id])
        else:
            expires = record.created_at + self._retention
            saved = self._home.bring_home(record, int(expires.timestamp()), at_most_usd)
        done.count(record, saved=saved)
        return saved

    def _reject(self, message: QueuedRecord, reason: str, done: Replayed) -> None:
        if not self._dry_run:
            self._home.reject(message.message_id, message.body, reason)
        done.rejected[message.message_id] = reason
