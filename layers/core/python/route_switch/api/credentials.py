"""Where clients put their API key."""

from collections.abc import Mapping


def authorization(headers: Mapping[str, str]) -> str | None:
    """Return the `Authorization` header, or `x-api-key` in its form: Anthropic's clients send one
    or the other, or both. `headers` are read by lower-case names."""
    bearer, key = headers.get("authorization"), headers.get("x-api-key")
    return f"Bearer {key}" if bearer is None and key is not None else bearer
