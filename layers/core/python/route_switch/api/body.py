"""The body of a request, as bytes."""

import base64
from http import HTTPStatus

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from route_switch.domain.errors import RequestRefusedError


def read_body(event: BaseProxyEvent, max_bytes: int) -> bytes:
    """Raise `RequestRefusedError` (413) when the body is too long."""
    text = event.body or ""
    body = base64.b64decode(text) if event.is_base64_encoded else text.encode()
    if len(body) > max_bytes:
        raise RequestRefusedError(
            f"The request body has {len(body)} bytes, but the limit is {max_bytes}. Shorten its "
            "texts.",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            code="request_too_large",
        )
    return body
