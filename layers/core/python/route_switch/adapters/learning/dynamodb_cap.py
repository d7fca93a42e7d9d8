"""What learning may spend in a month: one item of the results table, shared by all who spend.

    LEARNING#<YYYY-MM>  CAP    taken_usd: spent or set aside
                               run:<run id>: what of it is this run's, however it ends

Money is set aside before a call and settled after it. What a killed worker had set aside stays
taken: nobody knows whether its calls were charged.
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
    """What the month's runs spent or set aside so far."""
    found = dynamodb.get_item(TableName=table, Key=cap_key(month), ConsistentRead=True)
    return float(found.get("Item", {}).get("taken_usd", {"N": "0"})["N"])


class DynamoDbCap:
    """`SpendingCap` over all runs of a month (`YYYY-MM`), for this one of them."""

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
            if room < 0 or not self._took(usd, room):
                raise BudgetReachedError(
                    f"The learning cap of {self._month}, {self._cap_usd:.4f} USD for all runs of "
                    f"the month, is reached: {self.taken_usd():.4f} are spent or set aside, and "
                    f"the next call may cost up to {usd:.4f}."
                )
        except (BotoCoreError, ClientError) as error:
            raise ProviderDownError(
                f"The learning cap cannot be read, so nothing is spent: {error}"
            ) from error

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Never fails: money that cannot be given back stays taken, and the answer is kept."""
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
            logger.warning("%.6f USD stay set aside: %s", reserved_usd - spent_usd, error)

    def taken_usd(self) -> float:
        return taken_usd(self._dynamodb, self._table, self._month)

    def _took(self, usd: float, room: float) -> bool:
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
