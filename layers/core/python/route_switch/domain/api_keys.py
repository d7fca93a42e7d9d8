"""API keys: format, hash and limits."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from route_switch.domain.profiles import Profile
from route_switch.domain.tiers import ALL_TIERS, Tier

Role = Literal["client", "admin"]
WhenSpent = Literal["refuse", "downgrade"]


def new_key() -> str:
    """Return a new key with 256 random bits."""
    return "rs-" + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """Return the SHA-256 of a key in hex. Keys are random, so a plain hash resists guessing."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_id_of(key_hash: str) -> str:
    """Return a key's public id, which does not help to guess the key."""
    return f"key_{key_hash[:12]}"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key: everything except the key itself.

    `tags` are free-form labels for the owner. `requests_per_minute` and `monthly_budget_usd` are
    None when there is no limit. `when_spent` says what happens to requests once the budget of a
    calendar month (UTC) is used up: refuse them, or send them to Tier 1. `profile` is the routing
    profile of requests that name none; None is the stage's. `ends_at` is set once the presented
    secret was replaced by a rotation: it is valid until then. `max_upgrade_share` caps the share of
    routed requests that go to Tier 3 (`domain.operations.upgrade_cap`); None is the stage's cap.
    Until `upgrades_limited_until`, routing sends no request of the key to Tier 3.
    """

    key_id: str
    name: str
    role: Role
    allowed_tiers: frozenset[Tier] = ALL_TIERS
    tags: Mapping[str, str] = field(default_factory=dict)
    requests_per_minute: int | None = None
    monthly_budget_usd: float | None = None
    when_spent: WhenSpent = "refuse"
    profile: Profile | None = None
    revoked: bool = False
    ends_at: datetime | None = None
    max_upgrade_share: float | None = None
    upgrades_limited_until: datetime | None = None

    def limits_upgrades(self, now: datetime) -> bool:
        return self.upgrades_limited_until is not None and now < self.upgrades_limited_until

    def refusal(self, now: datetime) -> str | None:
        """Return why the key is not valid at this time, None if it is."""
        if self.revoked:
            return "it was revoked. Ask the owner for a new one."
        if self.ends_at is not None and now >= self.ends_at:
            return (
                f"it was replaced and ended at {self.ends_at:%Y-%m-%d %H:%M} UTC. Use the key that "
                "replaced it, or ask the owner for it."
            )
        return None
