"""Authenticate the owner: an admin key, read again for each request.

Elsewhere a warm process accepts a revoked key for up to a minute. Here such a key could make
another one, so no key is remembered, and every request fails while the store is unavailable.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from route_switch.domain.api_keys import ApiKey, hash_key
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.operations.audit import by_key
from route_switch.services.authenticate import bearer_secret


@dataclass(frozen=True, slots=True)
class Owner:
    """An admin key, with the hash of the secret that was presented."""

    key: ApiKey
    key_hash: str

    @property
    def by(self) -> str:
        """The author of the owner's changes in the audit trail."""
        return by_key(self.key)


@dataclass(frozen=True, slots=True)
class AuthenticateOwner:
    """`authenticate` must not remember keys. `count` counts a request against the key's rate."""

    authenticate: Callable[[str | None], ApiKey]
    count: Callable[[ApiKey], None]

    def __call__(self, authorization: str | None) -> Owner:
        """Raise `RequestRefusedError` (401, 403 or 429), or `StoreError`."""
        key = self.authenticate(authorization)
        if key.role != "admin":
            raise admin_key_required()
        self.count(key)
        return Owner(key, hash_key(bearer_secret(authorization)))


def admin_key_required() -> RequestRefusedError:
    return RequestRefusedError(
        "This route needs an admin key, but the key sent is not one. Ask the owner for one.",
        status=HTTPStatus.FORBIDDEN,
        kind="permission_error",
        code="admin_key_required",
    )
