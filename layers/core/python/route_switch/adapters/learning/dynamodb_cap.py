"""The monthly learning cap: one item of the results table, shared by all spenders.

    LEARNING#<YYYY-MM>  CAP    taken_usd: spent or reserved
                               run:<run id>: this run's part of it, whatever its outcome

Money is reserved before a call and settled after it. What a killed worker had reserved stays
reserved, because its calls may have been charged.
"""

import logging
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.results_table import RUN_COUNTER, cap_key
from route_switch.domain.errors import BudgetReachedError, ProviderDownError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

_TAKE = "ADD taken_usd :usd, #run :usd"


def taken_usd(dynamodb: "DynamoDBClient", table: str, month: str) -> float:
    """Return what the month's runs have spent or reserved so far."""
    found = dynamodb.get_item(TableName=table, Key=cap_key(month), ConsistentRead=True)
    return float(found.get("Item", {}).get("taken_usd", {"N": "0"})["N"])


class DynamoDbCap:
    """The `SpendingCap` of one run, shared with all runs of its month (`YYYY-MM`)."""

    def __init__(
        self, dynamodb: "DynamoDBClient", table: str, month: str, cap_usd: float, run_id: str
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._month = month
        self._cap_usd = cap_usd
        self._key = cap_key(month)
        self._names = {"#run": f"{RUN_COUNTER}{run_id}"}

    def reserve(self, usd: float) -> None:
        if usd <= 0:
            return
        room = self._cap_usd - usd
        try:
            if room < 0 or not self._try_to_reserve(usd, room):
                raise BudgetReachedError(
                    f"The learning cap of {self._month}, {self._cap_usd:.4f} USD for all runs of "
                    f"the month, is reached: {self.taken_usd():.4f} USD are spent or reserved, and "
                    f"the next call may cost up to {usd:.4f} USD."
                )
        except (BotoCoreError, ClientError) as error:
            raise ProviderDownError(
                f"The learning cap cannot be checked, so nothing is spent: {error}"
            ) from error

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Never fail: money that cannot be returned stays reserved, and the answer is kept."""
        if reserved_usd == spent_usd:
            return
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key,
                UpdateExpression=_TAKE,
                ExpressionAttributeNames=self._names,
                ExpressionAttributeValues={":usd": {"N": f"{spent_usd - reserved_usd:.12f}"}},
            )
        except (BotoCoreError, ClientError) as error:
            logger.warning("%.6f USD stay reserved: %s", reserved_usd - spent_usd, error)

    def taken_usd(self) -> float:
        return taken_usd(self._dynamodb, self._table, self._month)

    def _try_to_reserve(self, usd: float, room: float) -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key,
                UpdateExpression=_TAKE,
                ExpressionAttributeNames=self._names,
                ConditionExpression="attribute_not_exists(taken_usd) OR taken_usd <= :room",
                ExpressionAttributeValues={
                    ":usd": {"N": f"{usd:.12f}"},
                    ":room": {"N": f"{room:.12f}"},
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True
