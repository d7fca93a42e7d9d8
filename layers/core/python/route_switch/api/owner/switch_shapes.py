"""`GET` and `PATCH /v1/switches`: request and response."""

from typing import Literal

from pydantic import BaseModel

from route_switch.api.owner.strict_body import CHANGES, TierNumber, read_strict
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.operations.switch_effects import SWITCH_EFFECTS, WHEN_SWITCHED
from route_switch.domain.ports import JsonObject
from route_switch.domain.switches import Routing, Switches
from route_switch.domain.tiers import Tier


class SwitchesRequest(BaseModel):
    """The switches to change; the others stay. `pin_tier` null lets routing decide."""

    model_config = CHANGES

    pin_tier: TierNumber | None = None
    routing: Routing = "on"
    learning: Literal["on", "off"] = "on"


def parse_switches(body: bytes) -> dict[str, object]:
    """Return the switches to change. Raise `RequestRefusedError` (400) naming every bad value."""
    request = read_strict(SwitchesRequest, body)
    if not request.model_fields_set:
        raise RequestRefusedError(
            f"The body changes nothing. Send one of {', '.join(SwitchesRequest.model_fields)}.",
            code="invalid_value",
        )
    changes: dict[str, object] = request.model_dump(exclude_unset=True)
    if changes.get("pin_tier") is not None:
        changes["pin_tier"] = Tier(request.pin_tier or Tier.SMALL)
    return changes


def switches_body(switches: Switches, unreadable: str | None = None) -> JsonObject:
    """`unreadable` says why the switches could not be read before they were changed."""
    reset = (
        ""
        if unreadable is None
        else "The switches stored before could not be read, so all that were not sent have their "
        f"defaults now. {unreadable} "
    )
    return {
        "object": "switches",
        "pin_tier": None if switches.pin_tier is None else switches.pin_tier.value,
        "routing": switches.routing,
        "learning": switches.learning,
        "effects": dict(SWITCH_EFFECTS),
        "note": f"{reset}{WHEN_SWITCHED}",
    }


def unreadable_switches() -> RequestRefusedError:
    return RequestRefusedError(
        "The stored switches cannot be read: somebody wrote them by hand. Warm processes use the "
        "last ones that they read. To rewrite all of them, set any switch with PATCH /v1/switches; "
        "the others get their defaults.",
        status=409,
        code="switches_unreadable",
    )
