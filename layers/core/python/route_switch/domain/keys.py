"""Keys that callers authenticate with. They are shown once and stored only as a hash."""

import hashlib
import secrets


def new_key() -> str:
    """A bearer key with 256 random bits."""
    return "rs-" + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """SHA-256 in hexadecimal: enough for a random key, where a password would need a slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()
