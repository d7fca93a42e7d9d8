"""Retried requests: one answer per `Idempotency-Key`, stored by Powertools in DynamoDB."""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from route_switch.adapters.idempotency_lease import LeaseContext, renew_lease, renewed
from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.domain.ports import JsonObject

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
    )
    from mypy_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

ANSWER_TTL_S = 24 * 3600
IN_PROGRESS_RETRY_S = 2
"""Two repeats, as clients' libraries make by default, outlast the lease of a killed process."""
ITEM_PREFIX = "chat"


class IdempotentRequests:
    """Importing Powertools' idempotency takes 0.2 s, so only a request with an idempotency key does
    it."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def once(
        self,
        key_id: str,
        idempotency_key: str,
        content: JsonObject,
        produce: Callable[[], JsonObject],
        scope: str = "",
    ) -> JsonObject:
        """Return the result of `produce`; for a retry, the stored result of the first call.

        Requests in different scopes are different, whatever their content.

        When `produce` raises, nothing is stored. Raise `RequestRefusedError` (409 while the first
        request is in progress, 400 when the key was used for a different request) or `StoreError`.
        """
        from aws_lambda_powertools.utilities.idempotency import exceptions, idempotent_function

        produced: list[JsonObject] = []
        item = item_id(key_id, idempotency_key)

        def answer(*, request: JsonObject) -> JsonObject:  # noqa: ARG001 (Powertools reads it)
            with renewed(lambda: renew_lease(self._dynamodb, self._table, item)):
                produced.append(produce())
            return produced[0]

        self._config.register_lambda_context(LeaseContext())
        once = idempotent_function(
            answer,
            data_keyword_argument="request",
            persistence_store=self._layer,
            config=self._config,
            key_prefix=ITEM_PREFIX,
        )
        name = _scoped(key_id, idempotency_key)
        request = {"id": name, "content": _digest(name, content, scope)}
        try:
            kept: JsonObject = once(request=request)
        except (
            exceptions.IdempotencyAlreadyInProgressError,
            exceptions.IdempotencyInconsistentStateError,
        ) as error:
            raise _in_progress() from error
        except exceptions.IdempotencyValidationError as error:
            raise _key_reused() from error
        except exceptions.IdempotencyPersistenceLayerError as error:
            if produced:  # it is paid for; a retry will call again
                logger.error("An answer was not stored for retries: %s", type(error).__name__)
                return produced[0]
            raise StoreError(f"The idempotency table is unavailable: {error}") from error
        return kept

    @cached_property
    def _layer(self) -> "DynamoDBPersistenceLayer":
        from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

        return DynamoDBPersistenceLayer(self._table, boto3_client=self._dynamodb)

    @cached_property
    def _config(self) -> "IdempotencyConfig":
        from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig

        return IdempotencyConfig(
            event_key_jmespath="id",
            payload_validation_jmespath="content",
            expires_after_seconds=ANSWER_TTL_S,
            hash_function="sha256",
        )


def item_id(key_id: str, idempotency_key: str) -> str:
    """Return Powertools' id of the item with the answer: the prefix and the hash of the key as
    JSON."""
    name = json.dumps(_scoped(key_id, idempotency_key))
    return f"{ITEM_PREFIX}#{hashlib.sha256(name.encode()).hexdigest()}"


def _digest(name: str, content: JsonObject, scope: str) -> str:
    """Hash a request. The hash includes the caller's key, which is stored nowhere, so texts cannot
    be guessed from it."""
    parts = [name, content, scope] if scope else [name, content]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _scoped(key_id: str, idempotency_key: str) -> str:
    """Keep the idempotency keys of different callers apart."""
    return f"{key_id} {idempotency_key}"


def _in_progress() -> RequestRefusedError:
    return RequestRefusedError(
        "A request with this Idempotency-Key is in progress. Retry in a moment to get its answer.",
        status=409,
        kind="conflict_error",
        code="idempotency_in_progress",
        retry_after_s=IN_PROGRESS_RETRY_S,
    )


def _key_reused() -> RequestRefusedError:
    return RequestRefusedError(
        "This Idempotency-Key was used for a different request. Use a new key for each request.",
        code="idempotency_key_reused",
        param="Idempotency-Key",
    )
