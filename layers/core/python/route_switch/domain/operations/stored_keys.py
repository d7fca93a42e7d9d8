"""API keys as their owner sees them, and what may be done with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.refused_changes import ChangeRefusedError
from route_switch.domain.operations.words import Words
from route_switch.domain.ports import JsonObject

LONGEST_GRACE = timedelta(days=30)
"""How long a rotation may leave the former secret valid."""
MAX_FORMER_SECRETS = 5
"""A limit, so that a key that is rotated often does not leave many secrets valid at once."""


@dataclass(frozen=True, slots=True)
class FormerSecret:
    """A secret of a key that a rotation replaced. It is valid until `ends_at`."""

    key_hash: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with details that only its owner needs. `revoked_at` is None while it is valid.
    `key_hash` is its newest secret's, made at `rotated_at` if there was a rotation."""

    key: ApiKey
    key_hash: str
    created_at: str
    revoked_at: str | None
    rotated_at: str | None = None
    former: tuple[FormerSecret, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.key.key_id} ({self.key.name})"

    def still_valid(self, now: datetime) -> tuple[FormerSecret, ...]:
        return tuple(each for each in self.former if each.ends_at > now)

    def ends_of_former(self, now: datetime) -> list[datetime]:
        """Return when the former secrets end that are still valid."""
        if self.revoked_at is not None:
            return []
        return sorted(each.ends_at for each in self.still_valid(now))


def stored_key_as_json(stored: StoredKey, now: datetime) -> JsonObject:
    """Return what the command line and the API show of a key, without its secret and its hash."""
    key = stored.key
    return {
        "key_id": key.key_id,
        "name": key.name,
        "role": key.role,
        "tiers": [tier.value for tier in sorted(key.allowed_tiers)],
        "tags": dict(key.tags),
        "requests_per_minute": key.requests_per_minute,
        "monthly_budget_usd": key.monthly_budget_usd,
        "when_spent": None if key.monthly_budget_usd is None else key.when_spent,
        "profile": key.profile,
        "max_upgrade_share": key.max_upgrade_share,
        "created_at": stored.created_at,
        "revoked_at": stored.revoked_at,
        "rotated_at": stored.rotated_at,
        "former_secrets_end_at": [each.isoformat() for each in stored.ends_of_former(now)],
    }


def limited_until(key: ApiKey, now: datetime) -> str | None:
    """Return the end of a limit of upgrades that holds now."""
    until = key.upgrades_limited_until
    return until.isoformat() if until and key.limits_upgrades(now) else None


def check_may_change(found: StoredKey, words: Words) -> None:
    if found.revoked_at is not None:
        raise ChangeRefusedError(
            f"{found.label} is revoked, so it cannot be changed. Create a new key with "
            f"{words.create_key}.",
            "key_revoked",
        )


def check_may_rotate(found: StoredKey, now: datetime, grace: timedelta, words: Words) -> None:
    if found.revoked_at is not None:
        raise ChangeRefusedError(
            f"{found.label} is revoked, so it cannot be rotated. Create a new key with "
            f"{words.create_key}.",
            "key_revoked",
        )
    valid = found.still_valid(now)
    if grace and len(valid) >= MAX_FORMER_SECRETS:
        raise ChangeRefusedError(
            f"{found.label} has {len(valid)} former secrets that are still valid. Wait until one "
            f"ends, or end all of them with {words.example('grace', 0)}.",
            "former_secrets",
        )


def check_is_not_last_admin(found: StoredKey, known: Sequence[StoredKey], words: Words) -> None:
    active = [e.key.key_id for e in known if e.key.role == "admin" and not e.key.revoked]
    if active == [found.key.key_id]:
        raise ChangeRefusedError(
            f"{found.label} is the last admin key: without it, nobody can read costs and prompts "
            f"through the API. Create another admin key first{words.force}.",
            "last_admin_key",
        )
