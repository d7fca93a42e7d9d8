"""List the changes of the audit trail, newest first, in pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol, Self

from route_switch.domain.operations.audit import RETENTION, Area, AuditEntry, merged

_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)_([0-9a-f]{1,64})")


class AuditMonths(Protocol):
    def of_month(self, month: str) -> list[AuditEntry]:
        """Return the entries of a month (`YYYY-MM`), oldest first. Raise `StoreError`."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The place of a change in the trail."""

    at: datetime
    change_id: str

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        return cls(entry.at, entry.change_id)

    @classmethod
    def parse(cls, cursor: str) -> Self | None:
        """Return the position that `str` wrote, or None if it is not one."""
        found = _CURSOR.fullmatch(cursor)
        try:
            return cls(datetime.fromisoformat(found[1]), found[2]) if found else None
        except ValueError:
            return None

    def __str__(self) -> str:
        at = self.at.astimezone(UTC).isoformat(timespec="milliseconds")
        return f"{at.removesuffix('+00:00')}Z_{self.change_id}"


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """`older` is where to continue; None at the end of the trail."""

    changes: tuple[AuditEntry, ...]
    older: Position | None


@dataclass(frozen=True, slots=True)
class ListChanges:
    trail: AuditMonths

    def __call__(
        self, now: datetime, limit: int, before: Position | None = None, area: Area | None = None
    ) -> ChangesPage:
        """Return up to `limit` changes older than `before`, and read no more months than that
        takes."""
        entries: list[AuditEntry] = []
        found: list[AuditEntry] = []
        for first in _months(now, before):
            # A change that ended on the first day of a month may have begun in the one before.
            known = sum(each.at.date() > first + timedelta(days=31) for each in found)
            if known > limit:
                break
            entries += self.trail.of_month(f"{first:%Y-%m}")
            found = [each for each in merged(entries)[::-1] if _is_wanted(each, before, area)]
        page = tuple(sorted(found, key=Position.of, reverse=True)[:limit])
        return ChangesPage(page, Position.of(page[-1]) if len(found) > len(page) else None)


def _is_wanted(entry: AuditEntry, before: Position | None, area: Area | None) -> bool:
    is_older = before is None or Position.of(entry) < before
    return is_older and area in (None, entry.change.area)


def _months(now: datetime, before: Position | None) -> Iterator[date]:
    """Yield the first days of the months to read, newest first. A change that began in the month of
    `before` may have ended in the next one."""
    is_past = before is not None and before.at < now
    newest = min(now, before.at + timedelta(days=31)) if before and is_past else now
    oldest = (now - RETENTION).astimezone(UTC).date().replace(day=1)
    first = newest.astimezone(UTC).date().replace(day=1)
    while first >= oldest:
        yield first
        first = (first - timedelta(days=1)).replace(day=1)
