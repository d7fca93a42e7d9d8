"""What the first deployment of a stack does once. Every step can be repeated after a crash."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from route_switch.domain.api_keys import new_key


@dataclass(frozen=True, slots=True)
class FirstKeys:
    """The plain keys, in memory and in the handover only."""

    client: str
    admin: str


class FirstKeyStore(Protocol):
    """Where keys are stored as hashes."""

    def has_first_keys(self) -> bool: ...

    def add_first_keys(self, keys: FirstKeys) -> None:
        """Stores both or none; raises where there are first keys already."""
        ...


class Handover(Protocol):
    """Where the owner picks up the plain keys and deletes them."""

    def read(self) -> FirstKeys | None: ...

    def write(self, keys: FirstKeys) -> None: ...


def ensure_first_keys(
    store: FirstKeyStore, handover: Handover, make_key: Callable[[], str] = new_key
) -> None:
    """Makes a client key and an admin key, once in the life of the key store.

    They are handed over before they are stored: after a crash in between, the next try finds and
    stores the same keys. The other order would leave keys behind that nobody knows.
    """
    if store.has_first_keys():
        return
    keys = handover.read()
    if keys is None:
        keys = FirstKeys(client=make_key(), admin=make_key())
        handover.write(keys)
    store.add_first_keys(keys)
