"""A switch store whose changes are recorded in the audit trail."""

import json
from dataclasses import dataclass
from typing import Protocol

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.operations.audit import Change
from route_switch.domain.ports import SwitchStore
from route_switch.domain.switches import Switches
from route_switch.services.operations.record_change import RecordChange


class OwnedSwitchStore(SwitchStore, Protocol):
    def write(self, switches: Switches) -> None: ...


@dataclass(frozen=True, slots=True)
class AuditedSwitches:
    store: OwnedSwitchStore
    record: RecordChange

    def read(self) -> Switches:
        return self.store.read()

    def write(self, switches: Switches) -> None:
        before, after = self._before(), describe(switches)
        change = Change("switches", "set", "switches", before, after)
        self.record(change, lambda: self.store.write(switches), lambda _: after)

    def _before(self) -> str:
        try:
            return describe(self.store.read())
        except ConfigurationError:
            return "unreadable"


def describe(switches: Switches) -> str:
    values = json.loads(switches.model_dump_json())
    return ", ".join(
        f"{name.replace('_', '-')} {'off' if value is None else value}"
        for name, value in values.items()
    )
