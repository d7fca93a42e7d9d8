"""Find the key that a command names, and check what may be done with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from route_switch.adapters.operations.owned_keys import StoredKey
from route_switch.domain.errors import RouteSwitchError

MAX_FORMER_SECRETS = 5
"""So that an often rotated key does not leave many secrets valid at once."""


def find_key(wanted: str, known: Sequence[StoredKey]) -> StoredKey:
    """Return the key with this id, else the active key with this name, else the one revoked last.

    Raise `RouteSwitchError` if several active keys have this name.
    """
    named = [each for each in known if each.key.name == wanted]
    found = [each for each in known if each.key.key_id == wanted]
    found = found or [each for each in named if not each.key.revoked]
    found = found or sorted(named, key=lambda each: each.revoked_at or "")[-1:]
    if not found:
        raise RouteSwitchError(f"There is no key {wanted!r}. 'route-switch keys list' lists them.")
    if len(found) > 1:
        ids = ", ".join(f"{each.key.key_id} (created {each.created_at[:10]})" for each in found)
        raise RouteSwitchError(
            f"{len(found)} active keys are named {wanted!r}. Revoke one by its key_id: {ids}."
        )
    return found[0]


def check_may_rotate(found: StoredKey, name: str, now: datetime, grace: timedelta) -> None:
    if found.revoked_at is not None:
        raise RouteSwitchError(
            f"{name} is revoked, so it cannot be rotated. Create a new key with 'keys create'."
        )
    valid = found.still_valid(now)
    if grace and len(valid) >= MAX_FORMER_SECRETS:
        raise RouteSwitchError(
            f"{name} has {len(valid)} former secrets that are still valid. Wait until one ends, or "
            "end all of them with --grace 0."
        )


def is_last_admin(found: StoredKey, known: Sequence[StoredKey]) -> bool:
    active = [e.key.key_id for e in known if e.key.role == "admin" and not e.key.revoked]
    return active == [found.key.key_id]
