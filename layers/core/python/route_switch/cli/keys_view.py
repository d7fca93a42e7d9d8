"""Keys as a table and as JSON; without the keys, and without their hashes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import JsonValue
from rich.markup import escape
from rich.table import Table

from route_switch.adapters.keys_table import StoredKey
from route_switch.domain.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class Spent:
    """`unknown` requests are not in `usd`: their price, or their tokens, are not known."""

    usd: float = 0.0
    unknown: int = 0

    @classmethod
    def of(cls, counters: Mapping[str, float]) -> Self:
        """`counters` are those of a key's month."""
        return cls(counters.get("cost_usd", 0.0), int(counters.get("cost_usd:unknown", 0)))


def facts(stored: StoredKey, spent: Spent | None) -> dict[str, JsonValue]:
    """`spent` is None for a key that is new."""
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
        "spent_this_month_usd": spent.usd,
        "requests_of_unknown_cost": spent.unknown,
        "created_at": stored.created_at,
        "revoked_at": stored.revoked_at,
    }


def keys_table(keys: Sequence[StoredKey], spent: Mapping[str, Spent]) -> Table:
    """Readable on 80 columns: nothing is cut off, but what does not fit goes on below."""
    table = Table()
    table.add_column("key", no_wrap=True)
    for title in ("name", "may", "tags", "this month", "made"):
        table.add_column(title, overflow="fold")
    for stored in keys:
        key = stored.key
        table.add_row(
            key.key_id,
            escape(key.name),
            f"{key.role}; {limits(key)}",
            escape("\n".join(f"{name}={value}" for name, value in key.tags.items())),
            _money(spent[key.key_id]),
            stored.created_at[:10] + _end(stored.revoked_at),
        )
    return table


def limits(key: ApiKey) -> str:
    """In words: what it may use, how often, and for how much."""
    said = ["tiers " + ", ".join(str(tier.value) for tier in sorted(key.allowed_tiers))]
    if key.requests_per_minute is not None:
        said.append(f"{key.requests_per_minute} requests/min")
    if key.monthly_budget_usd is not None:
        then = "Tier 1" if key.when_spent == "downgrade" else "refused"
        said.append(f"{key.monthly_budget_usd:g} USD/month, then {then}")
    return "; ".join(said)


def _money(spent: Spent) -> str:
    hole = f"\n+ {spent.unknown} unknown" if spent.unknown else ""
    return f"{spent.usd:.4f} USD{hole}"


def _end(revoked_at: str | None) -> str:
    return "" if revoked_at is None else f"\nrevoked\n{revoked_at[:10]}"
