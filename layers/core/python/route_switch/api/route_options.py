"""The options of `route_switch` in a request body, the same in every protocol."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.profiles import PROFILES, Profile, profile_named
from route_switch.domain.tiers import Tier
from route_switch.services.eligible_models import TierRange


def _whole(value: object) -> object:
    """JSON has one number type: 1.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
TierNumber = Annotated[int, Field(ge=1, le=3), Whole]


def _where(**properties: JsonValue) -> JsonValue:
    return {"properties": properties}


IN_ORDER: list[JsonValue] = [
    _where(min_tier={"enum": [1]}),
    _where(min_tier={"enum": [1, 2]}, max_tier={"enum": [2, 3]}),
    _where(max_tier={"enum": [3]}),
]
"""One of these must hold: `min_tier` is not above `max_tier`. For the OpenAPI document;
`check_options` enforces it."""


class RouteOptions(BaseModel):
    """Options for the router. In an official SDK, pass `extra_body={"route_switch": {…}}`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, json_schema_extra={"anyOf": IN_ORDER}
    )

    min_tier: Annotated[TierNumber, Field(description="Smallest tier allowed")] = 1
    max_tier: Annotated[TierNumber, Field(description="Largest tier allowed")] = 3
    profile: Annotated[
        Profile | None,
        Field(description="Weight of cost against quality; default: the key's, else the stage's"),
    ] = None
    dry_run: Annotated[bool, Field(description="Only decide; do not call the tier's model")] = False
    explain: Annotated[
        bool,
        Field(description="Ask the router LLM for its reason. Only for a dry run or /v1/route"),
    ] = False

    @property
    def tiers(self) -> TierRange:
        return TierRange(Tier(self.min_tier), Tier(self.max_tier))


def profile_header(value: str | None) -> Profile | None:
    """Return the profile that the header `x-route-profile` names. Raise `RequestRefusedError` for
    an unknown one."""
    found = profile_named(value)
    if value is not None and found is None:
        raise RequestRefusedError(
            f"The header x-route-profile names no profile. Send one of {', '.join(PROFILES)}.",
            code="invalid_value",
            param="x-route-profile",
        )
    return found


def check_options(options: RouteOptions, *, stream: bool) -> None:
    """Raise `RequestRefusedError` for options that contradict each other."""
    if options.min_tier > options.max_tier:
        raise RequestRefusedError(
            f"min_tier {options.min_tier} is above max_tier {options.max_tier}. Lower it, or "
            "raise max_tier.",
            code="invalid_value",
            param="route_switch.min_tier",
        )
    if options.dry_run and stream:
        raise RequestRefusedError(
            "A dry run has nothing to stream. Remove 'stream'.",
            code="invalid_value",
            param="stream",
        )


def check_answered(options: RouteOptions) -> None:
    """Raise `RequestRefusedError` for a request that wants both an answer and an explanation."""
    if options.explain and not options.dry_run:
        raise RequestRefusedError(
            "'explain' is for decisions without an answer. Send the request to /v1/route, or set "
            "'dry_run' as well.",
            code="invalid_value",
            param="route_switch.explain",
        )
