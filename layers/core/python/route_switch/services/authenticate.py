"""Authenticate the caller."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from route_switch.domain.api_keys import ApiKey, hash_key
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import KeyStore
from route_switch.services.deadline import Clock
from route_switch.services.last_good_values import LastGoodValues, Lifetime

KEY_CACHE_S = 60.0
"""How long a warm process may still accept a revoked key."""

KEY_OUTAGE_S = 3600.0
"""The same while the keys cannot be read, counted from when the process last read this key."""

MAX_CACHED_KEYS = 1000


CACHED = Lifetime(KEY_CACHE_S, KEY_OUTAGE_S)
READ_ALWAYS = Lifetime(0.0, 0.0)


INCORRECT = "Incorrect API key provided"
"""OpenAI's words, by which LiteLLM's SDK tells a wrong key from a wrong request."""


class Authenticate:
    """Checks bearer keys. A key that was read is accepted for `KEY_CACHE_S` seconds, and for
    `KEY_OUTAGE_S` while the store fails, unless `lifetime` says otherwise."""

    def __init__(
        self,
        keys: KeyStore,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lifetime: Lifetime = CACHED,
    ) -> None:
        self._keys = LastGoodValues(keys.find, lifetime, MAX_CACHED_KEYS, clock)
        self._now = now

    def __call__(self, authorization: str | None) -> ApiKey:
        """Return the key in an `Authorization: Bearer …` header. Raise `RequestRefusedError`
        (401), or `StoreError` for a key that is not known while the store fails."""
        presented = bearer_secret(authorization)
        if not presented:
            raise _refusal("The API key is missing. Send it as 'Authorization: Bearer rs-…'.")
        key = self._keys.get(hash_key(presented))
        if key is None:
            raise _refusal(
                f"{INCORRECT}. This stage has no such key. Check it, or ask the owner for a key."
            )
        refusal = key.refusal(self._now())
        if refusal is not None:
            raise _refusal(f"{INCORRECT}: {refusal}")
        return key


def bearer_secret(authorization: str | None) -> str:
    """Return the secret in an `Authorization: Bearer …` header, or an empty string."""
    scheme, _, presented = (authorization or "").partition(" ")
    return presented.strip() if scheme.lower() == "bearer" else ""


def _refusal(message: str) -> RequestRefusedError:
    return RequestRefusedError(message, status=401, code="invalid_api_key")
