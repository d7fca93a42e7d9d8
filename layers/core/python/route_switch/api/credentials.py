"""Where clients put their API key."""

from collections.abc import Mapping

SIGNATURE = "AWS4-"


def authorization(headers: Mapping[str, str]) -> str | None:
    """Return the `Authorization` header, or `x-api-key` in its form: Anthropic's clients send one
    or the other, or both. On a stage with IAM authorization, `Authorization` has the signature of
    AWS, which API Gateway has checked, and the key is in `x-api-key`. `headers` are read by
    lower-case names."""
    bearer, key = headers.get("authorization"), headers.get("x-api-key")
    if bearer is not None and bearer.startswith(SIGNATURE):
        bearer = None
    return f"Bearer {key}" if bearer is None and key is not None else bearer
