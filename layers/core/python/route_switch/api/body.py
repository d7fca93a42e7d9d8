"""The body of a request, as bytes."""

import base64
from http import HTTPStatus

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from route_switch.domain.errors import RequestRefusedError


def read_body(event: BaseProxyEvent, max_bytes: int) -> bytes:
    """Raises `RequestRefusedError` (413) for one that is too long."""
    text = event.body or ""
    body = base64.b64decode(text) if event.is_base64_encoded else text.encode()
    if len(body) > max_bytes:
        raise RequestRefusedError(
            f"The request body is {len(body)} bytes long; at most {max_bytes} are accepted. "
            "Shorten its texts.",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            code="request_too_large",
        )
    return body
