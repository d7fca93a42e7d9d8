"""What keys have used of their limits, in the results table: `adapters.results_table`.

A budget's item holds what was spent and what is set aside for requests under way. What a killed
function had set aside stays taken until the month ends: nobody knows whether it was charged.
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
    """One conditional update a check, so that parallel requests share a limit exactly. Raises
    `StoreError` where DynamoDB refuses or cannot be reached.

    `connect` makes a client that tries nothing twice: a sum whose answer was lost has been added.
    It is made for the first key that has limits.
    """

    def __init__(self, connect: "Callable[[], DynamoDBClient]", table: str) -> None:
        self._connect = connect
        self._table = table

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._connect()

    @store_errors()
    def count(self, key_id: str, now: datetime, limit: int) -> bool:
        """Windows begin with the minutes of the clock."""
        expires = int((now + timedelta(minutes=5)).timestamp())
        return self._updated(
            rate_key(key_id, now),
            "ADD requests :one SET expires_at = :expires",
            "attribute_not_exists(requests) OR requests < :limit",
            {":one": 1, ":expires": expires, ":limit": limit},
        )

    @store_errors()
    def reserve(self, key_id: str, month: str, usd: float, budget_usd: float) -> bool:
        room = budget_usd - usd
        return room >= 0 and self._updated(
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

    def _updated(self, key: "Item", update: str, condition: str, values: dict[str, float]) -> bool:
        """Whether the condition held."""
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
