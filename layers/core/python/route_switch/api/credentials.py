"""Where clients put their API key, and which forms of the header are read."""

import re
from collections.abc import Mapping

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from route_switch.domain.errors import RequestRefusedError

SIGNATURE = "AWS4-"
_BEARER = re.compile(r"bearer +([!-~]{1,512})", re.IGNORECASE | re.ASCII)
_BLANKS = " \t"
"""HTTP allows them around the value of a header (RFC 9110, 5.5)."""


def authorization(event: APIGatewayProxyEvent) -> str | None:
    """Return the key that a request presents as `Bearer <key>`, or None if there is none of this
    form: the scheme in any case, spaces, and visible ASCII characters.

    The key is in `Authorization` or, without one, in `x-api-key`: Anthropic's clients send one or
    the other, or both. On a stage with IAM authorization, `Authorization` has the signature of AWS,
    which API Gateway has checked, and the key is in `x-api-key`. Raise `RequestRefusedError` (401)
    for headers that contradict each other: a proxy in front of the function may have read the other
    one.
    """
    bearer, key = _only(event, "authorization"), _only(event, "x-api-key")
    if bearer is not None and bearer.startswith(SIGNATURE):
        bearer = None
    if bearer is None and key is not None:
        bearer = f"Bearer {key}"
    found = _BEARER.fullmatch((bearer or "").strip(_BLANKS))
    return f"Bearer {found[1]}" if found else None


def _only(event: APIGatewayProxyEvent, name: str) -> str | None:
    values = {*_values(event.raw_event.get("multiValueHeaders"), name)}
    if len(values) > 1:
        raise RequestRefusedError(
            f"The request has several different '{name}' headers. Send one.",
            status=401,
            code="invalid_api_key",
        )
    return event.headers.get(name)


def _values(headers: Mapping[str, list[str]] | None, name: str) -> list[str]:
    """`headers` is as API Gateway sends it: names in any case, even the same one in several."""
    found = (values for each, values in (headers or {}).items() if each.lower() == name)
    return [value for values in found for value in values]
