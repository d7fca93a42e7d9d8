"""How much of their limits keys have used, in the results table (`adapters.results_table`).

A budget item holds what was spent plus what is reserved for requests in progress. Money reserved
for a failed request stays reserved until month end, because the provider may have charged it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import budget_key, rate_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]


class DynamoDbKeyLimits:
    """Each check is one conditional update, so parallel requests share a limit exactly. Raises
    `StoreError` when DynamoDB refuses or is unreachable.

    `connect` creates a client without retries: an addition whose response was lost has been made.
    The client is created for the first key that has limits.
    """

    def __init__(self, connect: "Callable[[], DynamoDBClient]", table: str) -> None:
        self._connect = connect
        self._table = table

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._connect()

    @store_errors()
    def count(self, key_id: str, now: datetime, limit: int) -> bool:
        """Windows start at full minutes."""
        expires = int((now + timedelta(minutes=5)).timestamp())
        return self._update_if(
            rate_key(key_id, now),
            "ADD requests :one SET expires_at = :expires",
            "attribute_not_exists(requests) OR requests < :limit",
            {":one": 1, ":expires": expires, ":limit": limit},
        )

    @store_errors()
    def reserve(self, key_id: str, month: str, usd: float, budget_usd: float) -> bool:
        room = budget_usd - usd
        return room >= 0 and self._update_if(
            budget_key(key_id, month),
            "ADD taken_usd :usd",
            "attribute_not_exists(taken_usd) OR taken_usd <= :room",
            {":usd": usd, ":room": room},
        )

    @store_errors()
    def adjust(self, key_id: str, month: str, usd: float) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=budget_key(key_id, month),
            UpdateExpression="ADD taken_usd :usd",
            ExpressionAttributeValues={":usd": {"N": f"{usd:.12f}"}},
        )

    def _update_if(
        self, key: "Item", update: str, condition: str, values: dict[str, float]
    ) -> bool:
        """Return whether the condition held."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues={
                    name: {"N": f"{value:.12f}" if isinstance(value, float) else str(value)}
                    for name, value in values.items()
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True
