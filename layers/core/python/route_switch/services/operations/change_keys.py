"""Create, change, rotate and revoke API keys. Each change and its entry in the audit trail are one
transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from route_switch.domain.api_keys import ApiKey, hash_key, key_id_of, new_key
from route_switch.domain.operations.audit import AuditEntry, Change
from route_switch.domain.operations.key_settings import (
    KeySettings,
    changed_key,
    key_with,
    limits,
    settings_of,
)
from route_switch.domain.operations.refused_changes import UnknownSubjectError
from route_switch.domain.operations.stored_keys import (
    StoredKey,
    check_is_not_last_admin,
    check_may_change,
    check_may_rotate,
)
from route_switch.domain.operations.words import Words


class OwnedKeys(Protocol):
    """All keys of a stage. `entry` is written with the change. A method raises
    `ChangeRefusedError` if the key was rotated or revoked meanwhile."""

    def all(self) -> list[StoredKey]:
        """Return all keys, oldest first."""
        ...

    def add(self, stored: StoredKey, entry: AuditEntry) -> None: ...

    def change(self, stored: StoredKey, key: ApiKey, now: datetime, entry: AuditEntry) -> None: ...

    def rotate(
        self, stored: StoredKey, key_hash: str, now: datetime, ends_at: datetime, entry: AuditEntry
    ) -> None: ...

    def revoke(self, stored: StoredKey, now: datetime, entry: AuditEntry) -> None: ...


class KeyBudgets(Protocol):
    def open_with_spent(self, key_id: str, now: datetime) -> None:
        """Let a budget begin with what the key has spent this month without one."""
        ...


@dataclass(frozen=True, slots=True)
class NewSecret:
    """`secret` is stored nowhere: show it once. `former_ends_at` is set by a rotation."""

    secret: str
    stored: StoredKey
    former_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeKeys:
    """`entry` makes the entry of a change."""

    keys: OwnedKeys
    budgets: KeyBudgets
    entry: Callable[[Change], AuditEntry]
    words: Words

    def create(self, settings: KeySettings, now: datetime) -> NewSecret:
        """Raise `InvalidSettingsError`."""
        secret = new_key()
        key_hash = hash_key(secret)
        key = key_with(settings, key_id_of(key_hash), self.words)
        stored = StoredKey(key, key_hash, now.isoformat(timespec="seconds"), None)
        described = f"{key.role}; {limits(key, now)}"
        self.keys.add(stored, self.entry(Change("keys", "create", key.key_id, None, described)))
        return NewSecret(secret, stored)

    def find(self, key_id: str) -> StoredKey:
        """Raise `UnknownSubjectError`."""
        return _with_id(key_id, self.keys.all(), self.words)

    def change(self, stored: StoredKey, settings: KeySettings, now: datetime) -> StoredKey:
        """Return the key as it is then. Raise `InvalidSettingsError`, or `ChangeRefusedError` for
        a revoked key. Write nothing if nothing changes."""
        check_may_change(stored, self.words)
        before, after = stored.key, changed_key(stored.key, settings, self.words)
        if after == before:
            return stored
        if before.monthly_budget_usd is None and after.monthly_budget_usd is not None:
            self.budgets.open_with_spent(after.key_id, now)
        was, is_now = settings_of(before, now), settings_of(after, now)
        if after.name != before.name:
            was, is_now = f"name {before.name}; {was}", f"name {after.name}; {is_now}"
        change = Change("keys", "set", before.key_id, was, is_now)
        self.keys.change(stored, after, now, self.entry(change))
        return replace(stored, key=after)

    def rotate(self, stored: StoredKey, grace: timedelta, now: datetime) -> NewSecret:
        """Give the key a new secret. The former one ends after `grace`."""
        check_may_rotate(stored, now, grace, self.words)
        secret, ends_at = new_key(), now + grace
        described = f"former secret ends {ends_at:%Y-%m-%d %H:%M:%S} UTC"
        change = Change("keys", "rotate", stored.key.key_id, None, described)
        self.keys.rotate(stored, hash_key(secret), now, ends_at, self.entry(change))
        return NewSecret(secret, stored, ends_at)

    def revoke(
        self, stored: StoredKey, known: Sequence[StoredKey], now: datetime, *, force: bool = False
    ) -> bool:
        """Return False if the key was revoked already. Raise `ChangeRefusedError` for the last
        admin key, unless `force` is set."""
        if not force:
            check_is_not_last_admin(stored, known, self.words)
        if stored.revoked_at is not None:
            return False
        change = Change("keys", "revoke", stored.key.key_id, "valid", "revoked")
        self.keys.revoke(stored, now, self.entry(change))
        return True


def _with_id(key_id: str, known: Sequence[StoredKey], words: Words) -> StoredKey:
    for each in known:
        if each.key.key_id == key_id:
            return each
    raise UnknownSubjectError(f"There is no key '{key_id}'. {words.list_keys} lists the keys.")
