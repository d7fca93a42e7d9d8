"""Settings that the owner can change without a deployment."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from route_switch.domain.tiers import Tier

Routing = Literal["on", "shadow", "off"]


class Switches(BaseModel):
    """`pin_tier` answers every routed request, as far as the key's tiers allow.

    With `routing` on, routing decides. In `shadow`, one tier answers every routed request
    (`router.shadow_answer_tier`), and the router's decision is only recorded. With
    `routing` off, no router LLM is called: what is not bypassed goes to the safe tier.

    With `learning` off, no run starts, and a run in progress ends without promoting a prompt.

    `routing` is stored as `router`, its name in earlier releases: after a rollback to one of them,
    the other switches keep their states.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pin_tier: Tier | None = None
    routing: Annotated[
        Routing,
        Field(validation_alias=AliasChoices("routing", "router"), serialization_alias="router"),
    ] = "on"
    learning: Literal["on", "off"] = "on"

    @property
    def may_learn(self) -> bool:
        return self.learning == "on"
