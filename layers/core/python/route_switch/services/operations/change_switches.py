"""Change some of the switches, and leave the others as they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.switches import Switches
from route_switch.services.operations.audited_switches import AuditedSwitches


@dataclass(frozen=True, slots=True)
class ChangedSwitches:
    """`unreadable` says why the switches could not be read before. Those that were not changed
    have their defaults then."""

    before: Switches
    after: Switches
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSwitches:
    switches: AuditedSwitches

    def __call__(self, changes: Mapping[str, object]) -> ChangedSwitches:
        """A switch can be set even if the stored value is unreadable."""
        unreadable = None
        try:
            before = self.switches.read()
        except ConfigurationError as error:
            before, unreadable = Switches(), str(error)
        after = Switches.model_validate({**before.model_dump(), **changes})
        self.switches.write(after)
        return ChangedSwitches(before, after, unreadable)
