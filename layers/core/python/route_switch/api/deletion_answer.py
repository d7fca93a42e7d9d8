"""Responses to deletions."""

from dataclasses import asdict

from route_switch.domain.ports import JsonObject
from route_switch.services.operations.delete_texts import Deletion


def deleted_result(request_id: str, deletion: Deletion) -> JsonObject:
    return {"id": request_id, "object": "result.deleted", "deleted": True, **_undeleted(deletion)}


def deleted_user(user: str, deletion: Deletion) -> JsonObject:
    """If not `complete`, the same call again deletes more."""
    return {
        "user": user,
        "object": "user.deleted",
        "deleted_results": deletion.requests,
        "complete": deletion.complete,
        **_undeleted(deletion),
    }


def _undeleted(deletion: Deletion) -> JsonObject:
    return {
        "pending": [f"run {run}" for run in deletion.pending],
        "remains": [asdict(each) for each in deletion.remains],
    }
