"""Validate path parameters: longer ids and users were never stored, and DynamoDB rejects keys over
2 KB."""

from route_switch.api.client_call import MAX_USER_LENGTH
from route_switch.api.feedback_request import MAX_ID_LENGTH
from route_switch.domain.errors import RequestRefusedError, no_such_result


def check_request_id(request_id: str) -> str:
    """Raise `RequestRefusedError` (404) when the id is too long."""
    if len(request_id) > MAX_ID_LENGTH:
        raise no_such_result(f"{request_id[:MAX_ID_LENGTH]}…")
    return request_id


def check_user(user: str) -> str:
    """Raise `RequestRefusedError` (400) when the name is too long."""
    if len(user) <= MAX_USER_LENGTH:
        return user
    raise RequestRefusedError(
        f"'user' has {len(user)} characters, but requests allow at most {MAX_USER_LENGTH}. Send "
        "the same value as in the requests.",
        code="invalid_value",
        param="user",
    )
