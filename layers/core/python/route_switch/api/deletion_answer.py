"""Responses to deletions."""

import re
from dataclasses import asdict

from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.operations.deletion import USER_PARTS
from route_switch.domain.ports import JsonObject
from route_switch.services.operations.delete_texts import Deletion


def deleted_result(request_id: str, deletion: Deletion) -> JsonObject:
    return {"id": request_id, "object": "result.deleted", "deleted": True, **_undeleted(deletion)}


def deleted_user(user: str, deletion: Deletion) -> JsonObject:
    """If not `complete`, the same call with `?cursor=` deletes more."""
    return {
        "user": user,
        "object": "user.deleted",
        "deleted_results": deletion.requests,
        "complete": deletion.complete,
        "cursor": None if deletion.complete else str(deletion.unfinished_part),
        **_undeleted(deletion),
    }


def first_part(cursor: str | None) -> int:
    """Return where to begin. Raise `RequestRefusedError` (400) for a cursor that no answer had."""
    if cursor is None:
        return 0
    if re.fullmatch(r"[0-9]{1,2}", cursor) and int(cursor) < USER_PARTS:
        return int(cursor)
    raise RequestRefusedError(
        "'cursor' is not one that a deletion returned. Send the 'cursor' of the previous answer, "
        "or none to begin again.",
        code="invalid_value",
        param="cursor",
    )


def _undeleted(deletion: Deletion) -> JsonObject:
    return {
        "pending": [f"run {run}" for run in deletion.pending],
        "remains": [asdict(each) for each in deletion.remains],
    }
