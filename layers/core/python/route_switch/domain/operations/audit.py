"""The audit trail: who changed the prompt, keys or switches of a stage or deleted requests, when,
and from what to what. It holds neither texts of users nor secrets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol, get_args

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.ports import JsonObject

Area = Literal["prompt", "keys", "switches", "texts"]
AREAS: tuple[Area, ...] = get_args(Area)
RETENTION = timedelta(days=731)
"""Two years: auditors ask for at least one, and for the time since the last audit."""
State = Literal["begun", "done"]
ROLLBACK = "rollback"
"""The action that makes an older version of the prompt live again."""
_MADE = re.compile(r"version (\d+)\b")


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
    """`by` is the ARN of a person's or role's AWS identity, `key:` and the id of an API key, or the
    part of route-switch that acted by itself. A change that shares no transaction with the trail
    has two entries with the same `change_id`: `begun` before it, and `done` after it. Without the
    second one it is unknown whether the change was made."""

    at: datetime
    change_id: str
    by: str
    state: State
    change: Change


def entry_as_json(entry: AuditEntry) -> JsonObject:
    """Return a change as the command line and the API show it."""
    change = entry.change
    return {
        "at": entry.at.isoformat(),
        "by": entry.by,
        "what": change.area,
        "action": change.action,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
        "confirmed": entry.state == "done",
    }


def by_key(key: ApiKey) -> str:
    """Name a key that was used over HTTP."""
    return f"key:{key.key_id} ({key.name})"


class AuditTrail(Protocol):
    def add(self, entry: AuditEntry) -> None:
        """Append an entry. Raise `StoreError` when that fails."""
        ...

    def add_once(self, entry: AuditEntry) -> None:
        """Append an entry unless there is one of the same time and change. Raise `StoreError` when
        that fails."""
        ...


def merged(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """Return one entry a change, oldest first: the time of its beginning, the state of its end."""
    changes: dict[str, AuditEntry] = {}
    for entry in sorted(entries, key=lambda each: (each.at, each.state == "done")):
        begun = changes.get(entry.change_id)
        changes[entry.change_id] = entry if begun is None else replace(entry, at=begun.at)
    return list(changes.values())


def prompt_actions(entries: Sequence[AuditEntry]) -> dict[int, str]:
    """Return the action that made each version of the prompt. `entries` are oldest first."""
    actions: dict[int, str] = {}
    for entry in entries:
        change = entry.change
        made = _MADE.match(change.after or "")
        if change.area == "prompt" and entry.state == "done" and made is not None:
            actions[int(made[1])] = change.action
    return actions
