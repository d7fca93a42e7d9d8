"""How much of their limits keys have used, in the results table (`adapters.results_table`).

A budget item holds what was spent plus what is reserved for requests in progress:

    taken_usd     both
    open_<hour>   what of it is reserved, by the hour of the day (UTC) of the reservation
    day_<hour>    the first day of the month whose reservations are in it
    kept_usd      what of it was charged for calls that ran out of time, beyond their known cost:
                  the provider may have charged that
    token_<n>     see below

So a function that was killed leaves its reservation in an hour that is over, where the monitor
finds it (`services.operations.settle_budgets`), and forgets hours in which nothing is reserved any
more. The item does not grow: there are 24 hours.

An update may be sent twice, when the connection broke before its response. So that it counts once,
each update writes a token of its own into one of the item's `SLOTS` and requires that the token is
not there yet. It would count twice only if another update of the same key took the same slot
between both attempts.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import budget_key, rate_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]


OPEN = "open_"
DAY = "day_"
SLOTS = 16
"""Tokens that an item keeps, of 8 bytes: few enough that an update costs one write unit."""
MARK_SENT = "SET #slot = :token"
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
    def reserve(self, key_id: str, at: datetime, usd: float, budget_usd: float) -> bool:
        room, day = budget_usd - usd, f"{DAY}{at.astimezone(UTC):%H}"
        return room >= 0 and self._update_if(
            _budget_at(key_id, at),
            f"ADD taken_usd :usd, {open_hour(at)} :usd "
            f"{MARK_SENT}, {day} = if_not_exists({day}, :day)",
            {":usd": usd, ":room": room, ":day": at.astimezone(UTC).day},
            "(attribute_not_exists(taken_usd) OR taken_usd <= :room)",
        )

    @store_errors()
    def settle(
        self, key_id: str, at: datetime, reserved_usd: float, charged_usd: float, kept_usd: float
    ) -> None:
        added = {"taken_usd": charged_usd - reserved_usd, "kept_usd": kept_usd}
        conditions: tuple[str, ...] = ()
        if reserved_usd:
            added[open_hour(at)] = -reserved_usd
            # A process that slept for hours may come after the monitor.
            conditions = (f"{open_hour(at)} >= :reserved",)
        values = {f":{name}": usd for name, usd in added.items() if usd}
        if not values:
            return
        adding = ", ".join(f"{name[1:]} {name}" for name in values)
        self._update_if(
            _budget_at(key_id, at),
            f"ADD {adding} {MARK_SENT}",
            {**values, **({":reserved": reserved_usd} if reserved_usd else {})},
            *conditions,
        )

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


def open_hour(at: datetime) -> str:
    """Return the attribute with the reservations of this hour."""
    return f"{OPEN}{at.astimezone(UTC):%H}"


def _budget_at(key_id: str, at: datetime) -> "Item":
    return budget_key(key_id, f"{at:%Y-%m}")
