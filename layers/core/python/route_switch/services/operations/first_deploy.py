"""One-time setup on a stack's first deployment. Every step can be repeated after a crash."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from route_switch.domain.api_keys import new_key
from route_switch.domain.switches import Routing, Switches


@dataclass(frozen=True, slots=True)
class FirstKeys:
    """The plain-text keys. They exist only in memory and in the handover."""

    client: str
    admin: str


class FirstKeyStore(Protocol):
    """Stores keys as hashes."""

    def has_first_keys(self) -> bool: ...

    def add_first_keys(self, keys: FirstKeys) -> None:
        """Store both keys or none. Raise when first keys already exist."""
        ...


class NewSwitches(Protocol):
    def create(self, switches: Switches) -> bool:
        """Write the switches unless there are any. Return whether they were written."""
        ...


class Handover(Protocol):
    """The place where the owner reads the plain-text keys once and then deletes them."""

    def read(self) -> FirstKeys | None: ...

    def write(self, keys: FirstKeys) -> None: ...


def ensure_first_keys(
    store: FirstKeyStore, handover: Handover, make_key: Callable[[], str] = new_key
) -> None:
    """Create a client key and an admin key, once in the lifetime of the key store.

    Hand them over before storing them: after a crash in between, the next attempt finds and stores
    the same keys. In the opposite order, a crash would leave keys that nobody could read.
    """
    if store.has_first_keys():
        return
    keys = handover.read()
    if keys is None:
        keys = FirstKeys(client=make_key(), admin=make_key())
        handover.write(keys)
    store.add_first_keys(keys)


def start_routing(switches: NewSwitches, start: Routing) -> None:
    """Write the stage's initial switches once: no deployment changes switches that exist.

    Without switches, everything is on. So an upgraded stage from before this setting existed routes
    as before.
    """
    if start != "on":
        switches.create(Switches(routing=start))
