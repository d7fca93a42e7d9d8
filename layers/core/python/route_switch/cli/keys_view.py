"""Show keys as a table or as JSON, without the keys and without their hashes."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from route_switch.cli.rows import Column
from route_switch.domain.operations.key_settings import limits
from route_switch.domain.operations.stored_keys import (
    StoredKey,
    limited_until,
    stored_key_as_json,
)
from route_switch.services.operations.list_keys import KeyOfMonth


def facts(shown: KeyOfMonth) -> dict[str, JsonValue]:
    """Return a key's facts as JSON."""
    stored, now = shown.stored, datetime.now(UTC)
    return {
        **stored_key_as_json(stored, now),
        "upgrades_limited_until": limited_until(stored.key, now),
        "spent_this_month_usd": shown.spent_usd,
        "reserved_this_month_usd": shown.reserved_usd,
        "requests_this_month": shown.requests,
        "requests_of_unknown_cost": shown.unknown,
    }


COLUMNS = (
    Column("key"),
    Column("name"),
    Column("access", rank=2),
    Column("tags", rank=3),
    Column("this month"),
    Column("created", rank=1),
)


def key_rows(keys: Sequence[KeyOfMonth]) -> list[list[str]]:
    """Return the cells of `COLUMNS` for each key."""
    return [
        [
            shown.stored.key.key_id,
            shown.stored.key.name,
            f"{shown.stored.key.role}; {limits(shown.stored.key, datetime.now(UTC))}",
            ", ".join(f"{name}={value}" for name, value in shown.stored.key.tags.items()),
            _money(shown),
            shown.stored.created_at[:10]
            + _former_until(shown.stored)
            + _revoked_on(shown.stored.revoked_at),
        ]
        for shown in keys
    ]


def _money(shown: KeyOfMonth) -> str:
    unpriced = f" + {shown.unknown:,} unpriced" if shown.unknown else ""
    reserved = f", {shown.reserved_usd:.4f} reserved" if shown.reserved_usd else ""
    return f"{shown.spent_usd:.4f} USD{unpriced}{reserved}"


def _former_until(stored: StoredKey) -> str:
    ends = stored.ends_of_former(datetime.now(UTC))
    return "".join(f", former secret until {end:%Y-%m-%d %H:%M}" for end in ends[-1:])


def _revoked_on(revoked_at: str | None) -> str:
    return "" if revoked_at is None else f", revoked {revoked_at[:10]}"
