"""Call a provider again if its key was replaced after it had been read."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from route_switch.domain.errors import ModelUnusableError
from route_switch.domain.ports import Chunk, ModelCall, ModelClient

REJECTED = frozenset({401, 403})
"""Statuses of a key that is not valid, or no longer."""


class RotatedKeyClient:
    """If the provider rejects the key, read it again with `renew`, which limits how often it reads;
    if the key has changed, call once more."""

    def __init__(
        self, client: ModelClient, key: Callable[[], str | None], renew: Callable[[], None]
    ) -> None:
        self._client = client
        self._key = key
        self._renew = renew

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        sent, began_at = self._key(), time.monotonic()
        try:
            yield from self._client.stream(call)
        except ModelUnusableError as error:
            left_s = call.timeout_s - (time.monotonic() - began_at)
            if error.status not in REJECTED or left_s <= 0 or not self._has_another(sent):
                raise
            yield from self._client.stream(replace(call, timeout_s=left_s))

    def _has_another(self, sent: str | None) -> bool:
        """Whether the key has changed: another thread may have renewed it meanwhile."""
        if self._key() == sent:
            self._renew()
        return self._key() != sent
