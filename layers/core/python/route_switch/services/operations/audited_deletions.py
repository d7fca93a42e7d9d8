"""Deletions over HTTP, with an entry in the audit trail once they have deleted something.

An admin key's deletions have an entry each. Those of a client key share one entry a day: a client
that deletes what it has asked for must not bury the changes of the stage's owners.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import StoreError
from route_switch.domain.operations.audit import AuditEntry, AuditTrail, Change, by_key
from route_switch.services.operations.delete_texts import DeleteTexts, Deletion
from route_switch.services.operations.record_change import RecordChange

logger = logging.getLogger(__name__)

DELETE_USER = "delete user"
A_USER = "(not named)"
"""The trail outlives a user's data, so it names no user in any form."""
OWN_REQUESTS = "requests of the key"


@dataclass(frozen=True, slots=True)
class AuditedDeletions:
    """A deletion that was made never fails because of its entry."""

    delete: DeleteTexts
    trail: AuditTrail
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def request(self, request_id: str, key: ApiKey) -> Deletion:
        return self._recorded(
            "delete request", request_id, key, lambda: self.delete(request_id, key)
        )

    def of_user(self, user: str, key: ApiKey, first: int = 0) -> Deletion:
        return self._recorded(
            DELETE_USER, A_USER, key, lambda: self.delete.of_user(user, key, first)
        )

    def _recorded(
        self, action: str, subject: str, key: ApiKey, make: Callable[[], Deletion]
    ) -> Deletion:
        deletion = make()
        if deletion.requests:
            change = Change("texts", action, subject, None, requests_in_words(deletion.requests))
            try:
                self._record(change, key)
            except StoreError as error:
                logger.warning("A deletion is missing from the audit trail: %s: %s", change, error)
        return deletion

    def _record(self, change: Change, key: ApiKey) -> None:
        if key.role == "admin":
            self.trail.add(RecordChange(self.trail, lambda: by_key(key), self.now).entry(change))
        else:
            self.trail.add_once(deletions_of_day(key, self.now()))


def deletions_of_day(key: ApiKey, at: datetime) -> AuditEntry:
    """Return the entry for all deletions of a client key on that day (UTC); its time is when the
    day begins."""
    day = at.astimezone(UTC).date()
    change = Change("texts", "delete requests", OWN_REQUESTS, None, f"one or more on {day}")
    begin = datetime.combine(day, time.min, UTC)
    return AuditEntry(begin, f"deletions-{key.key_id}", by_key(key), "done", change)


def requests_in_words(count: int) -> str:
    return "1 request" if count == 1 else f"{count} requests"
