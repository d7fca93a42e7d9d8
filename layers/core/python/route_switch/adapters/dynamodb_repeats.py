"""Requests that are sent again: one answer for one `Idempotency-Key`, by Powertools in DynamoDB."""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.domain.errors import RequestRefusedError, StoreError
from route_switch.domain.ports import JsonObject

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
    )
    from mypy_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

KEPT_S = 24 * 3600
RETRY_AFTER_S = 1
PREFIX = "chat"


class RepeatedRequests:
    """Powertools' part for this takes 0.2 s to import: only a request with a key needs it."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def once(
        self,
        key_id: str,
        idempotency_key: str,
        content: JsonObject,
        context: LambdaContext,
        produce: Callable[[], JsonObject],
    ) -> JsonObject:
        """What `produce` gives to be kept; for a repeat, what it gave the first time.

        A `produce` that raises leaves nothing behind. Raises `RequestRefusedError`: 409 while the
        first request is under way, 400 where the key was used for another request; `StoreError`.
        """
        from aws_lambda_powertools.utilities.idempotency import exceptions, idempotent_function

        produced: list[JsonObject] = []

        def answer(*, request: JsonObject) -> JsonObject:  # noqa: ARG001 (Powertools' to read)
            produced.append(produce())
            return produced[0]

        self._config.register_lambda_context(context)
        once = idempotent_function(
            answer,
            data_keyword_argument="request",
            persistence_store=self._layer,
            config=self._config,
            key_prefix=PREFIX,
        )
        name = _scoped(key_id, idempotency_key)
        request = {"id": name, "content": _digest(name, content)}
        try:
            kept: JsonObject = once(request=request)
        except (
            exceptions.IdempotencyAlreadyInProgressError,
            exceptions.IdempotencyInconsistentStateError,
        ) as error:
            raise _under_way() from error
        except exceptions.IdempotencyValidationError as error:
            raise _used_before() from error
        except exceptions.IdempotencyPersistenceLayerError as error:
            if produced:  # it is paid for, and a repeat will ask again
                logger.error("An answer was not kept for a repeat: %s", type(error).__name__)
                return produced[0]
            raise StoreError(f"The idempotency table cannot be used: {error}") from error
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
            expires_after_seconds=KEPT_S,
            hash_function="sha256",
        )


def item_id(key_id: str, idempotency_key: str) -> str:
    """Powertools' name of the item of the answer: the prefix and the hash of the key as JSON."""
    name = json.dumps(_scoped(key_id, idempotency_key))
    return f"{PREFIX}#{hashlib.sha256(name.encode()).hexdigest()}"


def _digest(name: str, content: JsonObject) -> str:
    """Of a request; with the caller's key, which lies nowhere, so that no text can be guessed."""
    return hashlib.sha256(json.dumps([name, content], sort_keys=True).encode()).hexdigest()


def _scoped(key_id: str, idempotency_key: str) -> str:
    """Keys of different callers are different ones."""
    return f"{key_id} {idempotency_key}"


def _under_way() -> RequestRefusedError:
    return RequestRefusedError(
        "A request with this Idempotency-Key is under way. Ask again in a moment for its answer.",
        status=409,
        kind="conflict_error",
        code="idempotency_in_progress",
        retry_after_s=RETRY_AFTER_S,
    )


def _used_before() -> RequestRefusedError:
    return RequestRefusedError(
        "This Idempotency-Key was used for another request. Send each request with its own key.",
        code="idempotency_key_reused",
        param="Idempotency-Key",
    )
