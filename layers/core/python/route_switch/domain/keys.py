"""API keys: what they look like, and how they are kept."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal

from route_switch.domain.tiers import ALL_TIERS, Tier

Role = Literal["client", "admin"]


def new_key() -> str:
    """A fresh key with 256 bits of randomness."""
    return "rs-" + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """SHA-256 in hex. A key is random, so a plain hash cannot be reversed by guessing."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: everything but the key itself."""

    key_id: str
    name: str
    role: Role
    allowed_tiers: frozenset[Tier] = ALL_TIERS
