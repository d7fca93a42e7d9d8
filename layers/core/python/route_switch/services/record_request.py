"""Store the record of a request. A failure to do so never fails the request."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, wait
from dataclasses import replace
from datetime import timedelta

from route_switch.domain.errors import StoreError
from route_switch.domain.lost_record import lost_record_as_json, without_text
from route_switch.domain.ports import LostRecords, ResultStore
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.router_config import RouterConfig
from route_switch.services.call_models import HEAD_START_S
from route_switch.services.deadline import Clock

logger = logging.getLogger(__name__)

IMPATIENT_S, IMPATIENT_FOR_S = 0.5, 10.0
"""How long a record is waited for, and until when, after one that took too long. Records that are
not waited for are in the log, and may still be saved."""


class RecordRequest:
    """Saves records, with text as the stage's `text_storage` allows.

    `hash_secret` returns the stack's secret. It is only called when texts are hashed: a plain hash
    of a short text could be reversed by guessing.
    """

    def __init__(
        self,
        store: ResultStore,
        lost: LostRecords,
        config: RouterConfig,
        hash_secret: Callable[[], bytes],
        pool: Executor,
        clock: Clock = time.monotonic,
    ) -> None:
        self._store = store
        self._lost = lost
        self._config = config
        self._hash_secret = hash_secret
        self._pool = pool
        self._clock = clock
        self._impatient_until = float("-inf")

    def __call__(
        self, record: RequestRecord, timeout_s: float, meanwhile: Callable[[], None] | None = None
    ) -> bool:
        """Return whether the record was saved within `timeout_s`, or within `IMPATIENT_S` if the
        store has just taken too long. The answer is ready, and a slow store must not delay it
        further. `meanwhile` is called once the record is under way."""
        saving = self._pool.submit(self._save, record)
        if meanwhile is not None:
            wait([saving], HEAD_START_S)
            meanwhile()
        is_slow = self._clock() < self._impatient_until
        try:
            return saving.result(min(timeout_s, IMPATIENT_S) if is_slow else timeout_s)
        except TimeoutError:
            self._impatient_until = self._clock() + IMPATIENT_FOR_S
            _log_lost(record, "the store timed out")
            return False

    def _save(self, record: RequestRecord) -> bool:
        expires = record.created_at + timedelta(days=self._config.retention_days)
        try:
            self._store.save(self._with_allowed_text(record), int(expires.timestamp()))
        except Exception as error:  # noqa: BLE001, RUF100 (the request has been answered: keep serving)
            _log_lost(record, str(error) if isinstance(error, StoreError) else type(error).__name__)
            self._send_lost(record)
            return False
        return True

    def _with_allowed_text(self, record: RequestRecord) -> RequestRecord:
        if self._config.text_storage == "full":
            return record
        if self._config.text_storage == "none":
            return without_text(record)
        secret = self._hash_secret()
        return replace(
            record,
            query_text=_hmac(record.query_text, secret),
            answer_text=_hmac(record.answer_text, secret),
            replay=None,
        )

    def _send_lost(self, record: RequestRecord) -> None:
        try:
            self._lost.send(record)
        except Exception as error:  # noqa: BLE001, RUF100 (as above)
            logger.error("The queue for lost records failed too: %s", type(error).__name__)


def _log_lost(record: RequestRecord, reason: str) -> None:
    content = lost_record_as_json(record)
    logger.error("Record not saved (%s): %s", reason, json.dumps(content))


def _hmac(text: str | None, secret: bytes) -> str | None:
    return None if text is None else hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
