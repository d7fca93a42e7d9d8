"""Show keys as a table or as JSON, without the keys and without their hashes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from pydantic import JsonValue

from route_switch.adapters.operations.owned_keys import StoredKey
from route_switch.cli.rows import Column
from route_switch.domain.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class Spent:
    """What a key spent in a month. `usd` excludes the `unknown` requests, whose price or token
    count is unknown."""

    usd: float = 0.0
    unknown: int = 0

    @classmethod
    def of(cls, counters: Mapping[str, float]) -> Self:
        """Read the counters of a key's month."""
        return cls(counters.get("cost_usd", 0.0), int(counters.get("cost_usd:unknown", 0)))


def facts(stored: StoredKey, spent: Spent | None) -> dict[str, JsonValue]:
    """Return a key's facts as JSON. `spent` is None for a new key."""
    key, spent = stored.key, spent or Spent()
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
        "spent_this_month_usd": spent.usd,
        "requests_of_unknown_cost": spent.unknown,
        "created_at": stored.created_at,
        "rotated_at": stored.rotated_at,
        "former_secrets_end_at": [each.isoformat() for each in _ends(stored)],
        "revoked_at": stored.revoked_at,
    }


COLUMNS = (
    Column("key"),
    Column("name"),
    Column("access", rank=2),
    Column("tags", rank=3),
    Column("this month"),
    Column("created", rank=1),
)


def key_rows(keys: Sequence[StoredKey], spent: Mapping[str, Spent]) -> list[list[str]]:
    """Return the cells of `COLUMNS` for each key."""
    return [
        [
            stored.key.key_id,
            stored.key.name,
            f"{stored.key.role}; {limits(stored.key)}",
            ", ".join(f"{name}={value}" for name, value in stored.key.tags.items()),
            _money(spent[stored.key.key_id]),
            stored.created_at[:10] + _former_until(stored) + _revoked_on(stored.revoked_at),
        ]
        for stored in keys
    ]


def limits(key: ApiKey) -> str:
    """Describe the key's tiers, profile, rate limit and budget."""
    parts = ["tiers " + ", ".join(str(tier.value) for tier in sorted(key.allowed_tiers))]
    if key.profile is not None:
        parts.append(f"profile {key.profile}")
    if key.requests_per_minute is not None:
        parts.append(f"{key.requests_per_minute} requests/min")
    if key.monthly_budget_usd is not None:
        then = "Tier 1" if key.when_spent == "downgrade" else "refused"
        parts.append(f"{key.monthly_budget_usd:g} USD/month, then {then}")
    return "; ".join(parts)


def _money(spent: Spent) -> str:
    unknown = f" + {spent.unknown} unknown" if spent.unknown else ""
    return f"{spent.usd:.4f} USD{unknown}"


def _ends(stored: StoredKey) -> list[datetime]:
    """Return when the former secrets end that are still valid."""
    if stored.revoked_at is not None:
        return []
    return sorted(each.ends_at for each in stored.still_valid(datetime.now(UTC)))


def _former_until(stored: StoredKey) -> str:
    return "".join(f", former secret until {end:%Y-%m-%d %H:%M}" for end in _ends(stored)[-1:])


def _revoked_on(revoked_at: str | None) -> str:
    return "" if revoked_at is None else f", revoked {revoked_at[:10]}"
