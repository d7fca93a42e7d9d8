"""The lock of the live prompt: an item of the results table.

    pk LOCK#prompt, sk LOCK    owner (readable), lease (random), expires_at (Unix seconds)

It is not in the keys table, because write access to an item there would allow creating keys. A
holder only needs `dynamodb:PutItem` and `dynamodb:DeleteItem` with the condition
`dynamodb:LeadingKeys` = `LOCK#prompt`. `expires_at` is also the table's TTL attribute, so DynamoDB
removes the items of crashed holders.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import PromptLockedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

logger = logging.getLogger(__name__)

LEASE_S = 60
"""Longer than a change takes, including timeouts. A lease that expires early, or clocks that differ
by more, do no harm: the number of the new version reveals a second writer."""

PK = "LOCK#prompt"
_KEY: "dict[str, AttributeValueTypeDef]" = {"pk": {"S": PK}, "sk": {"S": "LOCK"}}


class DynamoDbPromptLock:
    """`owner` is shown to others who try to take the lock."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        owner: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._owner = owner
        self._now = now

    @contextmanager
    def hold(self) -> Iterator[None]:
        lease = uuid.uuid4().hex
        self._take(lease)
        try:
            yield
        finally:
            self._release(lease)

    def _take(self, lease: str) -> None:
        now = int(self._now())
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    **_KEY,
                    "owner": {"S": self._owner},
                    "lease": {"S": lease},
                    "expires_at": {"N": str(now + LEASE_S)},
                },
                ConditionExpression="attribute_not_exists(pk) OR expires_at < :now",
                ExpressionAttributeValues={":now": {"N": str(now)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            item = cast("dict[str, dict[str, str]]", error.response.get("Item", {}))
            holder = item.get("owner", {}).get("S", "another process")
            raise PromptLockedError(
                f"Nothing was changed: {holder} is changing the live prompt. Try again in a "
                f"moment. If that process has crashed, its lock expires within {LEASE_S} s."
            ) from error

    def _release(self, lease: str) -> None:
        """Never fail: the change has succeeded or failed by now, and the lease expires on its
        own."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=_KEY,
                ConditionExpression="lease = :lease",
                ExpressionAttributeValues={":lease": {"S": lease}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            logger.warning("The lock of the live prompt expired before it was released.")
        except (BotoCoreError, ClientError) as error:
            logger.warning("The lock of the live prompt was not released: %s", error)
