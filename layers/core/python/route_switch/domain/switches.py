"""What the owner can change without a deployment."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from route_switch.domain.tiers import Tier


class Switches(BaseModel):
    """`pin_tier` answers every routed request, as far as the key's tiers allow. With `router` off,
    every request that is not bypassed goes to the safe tier. With `learning` off, no run starts,
    and a run in progress ends without promoting a prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pin_tier: Tier | None = None
    router: Literal["on", "off"] = "on"
    learning: Literal["on", "off"] = "on"

    @property
    def may_learn(self) -> bool:
        return self.learning == "on"
