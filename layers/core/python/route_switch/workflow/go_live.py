"""End shadow when a prompt is promoted, if the stage lets the gate do so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from route_switch.domain.learning.learning_config import GoLive
from route_switch.domain.ports import SwitchStore
from route_switch.domain.switches import Switches
from route_switch.workflow.events import Promoted, PromoteEvent, PromotionState, ShadowAfter


class OwnedSwitches(SwitchStore, Protocol):
    def write(self, switches: Switches) -> None: ...


@dataclass(frozen=True, slots=True)
class PromoteAndGoLive:
    """`promote` promotes a candidate.

    Better than the live prompt is not enough to end shadow, where no prompt routes: the candidate
    must clearly beat the tier that answers. `go_live` says whether that is enough without a person.
    """

    promote: Callable[[PromoteEvent], Promoted]
    switches: OwnedSwitches
    go_live: GoLive

    def __call__(self, event: PromoteEvent) -> Promoted:
        promoted = self.promote(event)
        if not promoted.promoted:
            return promoted
        return promoted.model_copy(update={"shadow": self._after(event.state)})

    def _after(self, state: PromotionState) -> ShadowAfter | None:
        switches = self.switches.read()
        if switches.routing != "shadow":
            return None
        if self.go_live == "person":
            return "stays"
        low = state.evaluated.gain_over_shadow_low if state.evaluated else None
        if low is None or low <= 0:
            return "unproven"
        self.switches.write(switches.model_copy(update={"routing": "on"}))
        return "ended"
