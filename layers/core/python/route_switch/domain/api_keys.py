"""API keys: what they look like, and how they are kept."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from route_switch.domain.tiers import ALL_TIERS, Tier

Role = Literal["client", "admin"]
WhenSpent = Literal["refuse", "downgrade"]


def new_key() -> str:
    """A fresh key with 256 bits of randomness."""
    return "rs-" + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """SHA-256 in hex. A key is random, so a plain hash cannot be reversed by guessing."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: everything but the key itself.

    `tags` are for the owner's own order. `requests_per_minute` and `monthly_budget_usd` are None
    where there is no limit; `when_spent` says what happens to requests once the budget of a
    calendar month (UTC) is used up: they are refused, or go to Tier 1.
    """

    key_id: str
    name: str
    role: Role
    allowed_tiers: frozenset[Tier] = ALL_TIERS
    tags: Mapping[str, str] = field(default_factory=dict)
    requests_per_minute: int | None = None
    monthly_budget_usd: float | None = None
    when_spent: WhenSpent = "refuse"
    revoked: bool = False
