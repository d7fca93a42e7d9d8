"""How much of their limits keys have used, in the results table (`adapters.results_table`).

A budget item holds what was spent plus what is reserved for requests in progress. Money reserved
for a failed request stays reserved until month end, because the provider may have charged it.

An update may be sent twice, when the connection broke before its response. So that it counts once,
each update writes a token of its own into one of the item's `SLOTS` and requires that the token is
not there yet. It would count twice only if another update of the same key took the same slot
between both attempts.
"""

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import budget_key, rate_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]


SLOTS = 16
"""Tokens that an item keeps, of 8 bytes: few enough that an update costs one write unit."""
ADD_USD = "ADD taken_usd :usd SET #slot = :token"
NOT_SENT_BEFORE = "(attribute_not_exists(#slot) OR #slot <> :token)"


class DynamoDbKeyLimits:
    """Each check is one conditional update, so parallel requests share a limit exactly. Raises
    `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def count(self, key_id: str, now: datetime, limit: int) -> bool:
        """Windows start at full minutes."""
        expires = int((now + timedelta(minutes=5)).timestamp())
        return self._update_if(
            rate_key(key_id, now),
            "ADD requests :one SET expires_at = :expires, #slot = :token",
            {":one": 1, ":expires": expires, ":limit": limit},
            "(attribute_not_exists(requests) OR requests < :limit)",
        )

    @store_errors()
    def reserve(self, key_id: str, month: str, usd: float, budget_usd: float) -> bool:
        room = budget_usd - usd
        return room >= 0 and self._update_if(
            budget_key(key_id, month),
            ADD_USD,
            {":usd": usd, ":room": room},
            "(attribute_not_exists(taken_usd) OR taken_usd <= :room)",
        )

    @store_errors()
    def adjust(self, key_id: str, month: str, usd: float) -> None:
        self._update_if(budget_key(key_id, month), ADD_USD, {":usd": usd})

    def _update_if(
        self, key: "Item", update: str, values: dict[str, float], *conditions: str
    ) -> bool:
        """Return whether the conditions held. `update` sets `#slot` to `:token`."""
        token, slot = secrets.token_urlsafe(6), f"token_{secrets.randbelow(SLOTS)}"
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=update,
                ConditionExpression=" AND ".join((*conditions, NOT_SENT_BEFORE)),
                ExpressionAttributeNames={"#slot": slot},
                ExpressionAttributeValues={
                    ":token": {"S": token},
                    **{
                        name: {"N": f"{value:.12f}" if isinstance(value, float) else str(value)}
                        for name, value in values.items()
                    },
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            # Then it was this update itself, whose first response was lost.
            item = cast("dict[str, Item]", error.response).get("Item", {})
            return item.get(slot) == {"S": token}
        return True
