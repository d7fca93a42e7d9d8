"""Keeps the record of a request; a failure to do so never fails the request."""

import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from route_switch.domain.config import RouterConfig
from route_switch.domain.errors import StoreError
from route_switch.domain.ports import LostRecords, ResultStore
from route_switch.domain.record import RequestRecord

logger = logging.getLogger(__name__)


class RecordRequest:
    """Saves records, with text as the stage's `text_storage` says.

    `hash_secret` gives the stack's secret; it is asked for only where texts are hashed, since a
    plain hash of a short text could be reversed by guessing.
    """

    def __init__(
        self,
        store: ResultStore,
        lost: LostRecords,
        config: RouterConfig,
        hash_secret: Callable[[], bytes],
    ) -> None:
        self._store = store
        self._lost = lost
        self._config = config
        self._hash_secret = hash_secret

    def __call__(self, record: RequestRecord) -> bool:
        """Whether the record was saved; if not, it went without its text to the lost records."""
        expires = record.created_at + timedelta(days=self._config.retention_days)
        try:
            self._store.save(self._with_allowed_text(record), int(expires.timestamp()))
        except Exception as error:  # noqa: BLE001, RUF100 (the request has been answered: keep it)
            logger.error(
                "Record %s was not saved (%s); it goes to the queue of lost records.",
                record.request_id,
                error if isinstance(error, StoreError) else type(error).__name__,
            )
            self._send_lost(replace(record, query_text=None, answer_text=None))
            return False
        return True

    def _with_allowed_text(self, record: RequestRecord) -> RequestRecord:
        if self._config.text_storage == "full":
            return record
        if self._config.text_storage == "none":
            return replace(record, query_text=None, answer_text=None)
        secret = self._hash_secret()
        return replace(
            record,
            query_text=_hmac(record.query_text, secret),
            answer_text=_hmac(record.answer_text, secret),
        )

    def _send_lost(self, record: RequestRecord) -> None:
        try:
            self._lost.send(record)
        except Exception as error:  # noqa: BLE001, RUF100 (as above)
            logger.error(
                "Record %s is lost: the queue failed too (%s).",
                record.request_id,
                type(error).__name__,
            )


def _hmac(text: str | None, secret: bytes) -> str | None:
    return None if text is None else hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
