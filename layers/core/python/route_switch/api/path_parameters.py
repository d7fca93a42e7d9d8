"""What paths may name: nothing else was ever stored, and DynamoDB refuses keys of over 2 KB."""

from route_switch.api.chat_request import MAX_USER_LENGTH
from route_switch.api.feedback_request import MAX_ID_LENGTH
from route_switch.domain.errors import RequestRefusedError, no_such_result


def check_request_id(request_id: str) -> str:
    """Raises `RequestRefusedError` (404)."""
    if len(request_id) > MAX_ID_LENGTH:
        raise no_such_result(f"{request_id[:MAX_ID_LENGTH]}…")
    return request_id


def check_user(user: str) -> str:
    """Raises `RequestRefusedError` (400)."""
    if len(user) <= MAX_USER_LENGTH:
        return user
    raise RequestRefusedError(
        f"'user' has {len(user)} characters, and no request may name one of more than "
        f"{MAX_USER_LENGTH}. Give it as requests named it.",
        code="invalid_value",
        param="user",
    )
