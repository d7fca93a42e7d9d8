"""The audit trail: who changed the prompt, keys and switches of a stage, when, and from what to
what. It holds neither texts of users nor secrets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol, get_args

Area = Literal["prompt", "keys", "switches"]
AREAS: tuple[Area, ...] = get_args(Area)
State = Literal["begun", "done"]


@dataclass(frozen=True, slots=True)
class Change:
    """`subject` is what was changed, such as a key's id. `before` and `after` are versions or
    values; None where there is none."""

    area: Area
    action: str
    subject: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`by` is the ARN of a person's or role's AWS identity, or the part of route-switch that acted
    by itself. A change that shares no transaction with the trail has two entries with the same
    `change_id`: `begun` before it, and `done` after it. Without the second one it is unknown
    whether the change was made."""

    at: datetime
    change_id: str
    by: str
    state: State
    change: Change


class AuditTrail(Protocol):
    def add(self, entry: AuditEntry) -> None:
        """Append an entry. Raise `StoreError` when that fails."""
        ...


def merged(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """Return one entry a change, oldest first: the time of its beginning, the state of its end."""
    changes: dict[str, AuditEntry] = {}
    for entry in sorted(entries, key=lambda each: (each.at, each.state == "done")):
        begun = changes.get(entry.change_id)
        changes[entry.change_id] = entry if begun is None else replace(entry, at=begun.at)
    return list(changes.values())
