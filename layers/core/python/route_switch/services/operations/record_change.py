"""Record changes in the audit trail where the changed store shares no transaction with it."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from route_switch.domain.errors import StoreError
from route_switch.domain.operations.audit import AuditEntry, AuditTrail, Change

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordChange:
    """`by` returns who makes the change; it is called for each change."""

    trail: AuditTrail
    by: Callable[[], str]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def entry(self, change: Change) -> AuditEntry:
        """Return the entry of a change that is written in one transaction with it."""
        return AuditEntry(self.now(), uuid.uuid4().hex, self.by(), "done", change)

    def __call__(self, change: Change, make: Callable[[], T], after: Callable[[T], str]) -> T:
        """Make the change, and record it before and after. `after` describes its result.

        Raise `StoreError`, and change nothing, if it cannot be recorded before. A change that was
        made never fails because of the second entry.
        """
        begun = replace(self.entry(change), state="begun")
        self.trail.add(begun)
        result = make()
        made = replace(change, after=after(result))
        try:
            self.trail.add(replace(begun, at=self.now(), state="done", change=made))
        except StoreError as error:
            logger.warning("The audit trail has only the beginning of change %s: %s", begun, error)
        return result
