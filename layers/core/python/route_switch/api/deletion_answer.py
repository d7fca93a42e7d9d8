"""What deleting answers with."""

from dataclasses import asdict

from route_switch.domain.ports import JsonObject
from route_switch.services.operations.delete_texts import Deletion


def deleted_result(request_id: str, deletion: Deletion) -> JsonObject:
    return {"id": request_id, "object": "result.deleted", "deleted": True, **_left(deletion)}


def deleted_user(user: str, deletion: Deletion) -> JsonObject:
    """Not `complete`: the same call again deletes more."""
    return {
        "user": user,
        "object": "user.deleted",
        "deleted_results": deletion.requests,
        "complete": deletion.complete,
        **_left(deletion),
    }


def _left(deletion: Deletion) -> JsonObject:
    return {
        "pending": [f"run {run}" for run in deletion.pending],
        "remains": [asdict(each) for each in deletion.remains],
    }
