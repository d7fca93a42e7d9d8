"""`GET /v1/audit`: query parameters and response."""

from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.api.query_parameters import bad_parameter, read_limit
from route_switch.domain.operations.audit import AREAS, Area, entry_as_json
from route_switch.domain.ports import JsonObject
from route_switch.services.operations.list_changes import ChangesPage, Position

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
MAX_CURSOR_LENGTH = 100
PARAMETERS = ("what", "limit", "cursor")


@dataclass(frozen=True, slots=True)
class AuditQuery:
    limit: int = DEFAULT_LIMIT
    before: Position | None = None
    area: Area | None = None


def audit_query(params: Mapping[str, str]) -> AuditQuery:
    """Raise `RequestRefusedError` (400) naming the invalid parameter."""
    return AuditQuery(read_limit(params, DEFAULT_LIMIT, MAX_LIMIT), _before(params), _area(params))


def audit_body(page: ChangesPage) -> JsonObject:
    return {
        "object": "list",
        "data": [entry_as_json(change) for change in page.changes],
        "cursor": None if page.older is None else str(page.older),
    }


def _before(params: Mapping[str, str]) -> Position | None:
    if "cursor" not in params:
        return None
    position = Position.parse(params["cursor"])
    if position is None:
        raise bad_parameter(
            "cursor",
            "'cursor' is not one that this route returned. Send the 'cursor' of the previous "
            "answer, or none to begin with the newest change.",
        )
    return position


def _area(params: Mapping[str, str]) -> Area | None:
    if "what" not in params:
        return None
    for area in AREAS:
        if area == params["what"]:
            return area
    raise bad_parameter("what", f"'what' must be one of {', '.join(AREAS)}.")
