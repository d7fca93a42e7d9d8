"""When people rated a prompt's answers lower than its predecessor's, and what followed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from route_switch.domain.ports import StoredVersion

QualityState = Literal["rolling_back", "rolled_back", "asked"]
"""`asked`: the drop rests on one client, so a person was asked to decide."""


@dataclass(frozen=True, slots=True)
class QualityEvent:
    """`prompt_version` is the name in records, such as `live@7`. `at` is None if it is not known:
    earlier releases did not note it."""

    at: datetime | None
    version: int
    state: QualityState
    message: str

    @property
    def prompt_version(self) -> str:
        return f"live@{self.version}"


def in_order(
    events: Sequence[QualityEvent], versions: Sequence[StoredVersion]
) -> list[QualityEvent]:
    """Return the events, oldest first, those without a time before the others. A rollback whose
    time was not noted happened when the next version was written."""
    written = {each.version: each.written_at for each in versions}
    timed = (
        replace(event, at=written.get(event.version + 1))
        if event.at is None and event.state == "rolled_back"
        else event
        for event in events
    )
    return sorted(timed, key=lambda e: (e.at is not None, e.at and e.at.timestamp(), e.version))
