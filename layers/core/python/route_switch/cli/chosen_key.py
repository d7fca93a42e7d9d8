"""Find the key that a command names."""

from collections.abc import Sequence

from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.operations.stored_keys import StoredKey


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
            f"{len(found)} active keys are named {wanted!r}. Name the one you mean by its key_id: "
            f"{ids}."
        )
    return found[0]
