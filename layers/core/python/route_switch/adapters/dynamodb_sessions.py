"""Sessions in the results table: one small item each, without text (`adapters.results_table`)."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import session_key
from route_switch.domain.sessions import SessionState
from route_switch.domain.signer import Signer
from route_switch.domain.tiers import Tier

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

logger = logging.getLogger(__name__)

KEPT_S = 24 * 3600
"""A tool may wait for a person until the next day."""


class DynamoDbSessions:
    """Both methods raise `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(
        self, dynamodb: "DynamoDBClient", table: str, now: Callable[[], float] = time.time
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._now = now

    @store_errors()
    def load(self, session_id: str) -> SessionState | None:
        """Read consistently: an agent sends its next request within milliseconds."""
        item = self._dynamodb.get_item(
            TableName=self._table, Key=session_key(session_id), ConsistentRead=True
        ).get("Item")
        if item is None:
            return None
        try:
            is_over = float(item["expires_at"]["N"]) <= self._now()
            return None if is_over else _state(item)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            # The next answer writes a new state.
            logger.warning("The state of a session is broken: %s", type(error).__name__)
            return None

    @store_errors()
    def save(self, session_id: str, state: SessionState, request_id: str) -> None:
        """Write an item of about 300 bytes, unless a later answer has written its own. By
        `request_id`, a deletion finds the state."""
        item: Item = {
            **session_key(session_id),
            **_attributes(state),
            "request_id": {"S": request_id},
            "expires_at": {"N": str(int(state.used_at) + KEPT_S)},
        }
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR used_at <= :used_at",
                ExpressionAttributeValues={":used_at": item["used_at"]},
            )


def _attributes(state: SessionState) -> "Item":
    item: Item = {
        "tier": {"N": str(state.tier.value)},
        "model": {"S": state.model},
        "input_tokens": {"N": str(state.input_tokens)},
        "cached_tokens": {"N": str(state.cached_tokens)},
        "estimated_tokens": {"N": str(state.estimated_tokens)},
        "answers": {"N": str(state.answers)},
        "used_at": {"N": f"{state.used_at:.3f}"},
        "cache_s": {"N": str(state.cache_s)},
    }
    if state.signer is not None:
        item["signer"] = {"S": state.signer.model}
        item["foreign_answers"] = {"N": str(state.signer.foreign_answers)}
    if state.shadow_tier is not None and state.shadow_model is not None:
        item["shadow_tier"] = {"N": str(state.shadow_tier.value)}
        item["shadow_model"] = {"S": state.shadow_model}
    return item


def _state(item: "Mapping[str, AttributeValueTypeDef]") -> SessionState:
    shadow = "shadow_tier" in item
    return SessionState(
        Tier(int(item["tier"]["N"])),
        item["model"]["S"],
        int(item["input_tokens"]["N"]),
        int(item["cached_tokens"]["N"]),
        estimated_tokens=int(item["estimated_tokens"]["N"]),
        answers=int(item["answers"]["N"]),
        used_at=float(item["used_at"]["N"]),
        cache_s=int(item["cache_s"]["N"]),
        shadow_tier=Tier(int(item["shadow_tier"]["N"])) if shadow else None,
        shadow_model=item["shadow_model"]["S"] if shadow else None,
        signer=Signer(item["signer"]["S"], int(item["foreign_answers"]["N"]))
        if "signer" in item
        else None,
    )
