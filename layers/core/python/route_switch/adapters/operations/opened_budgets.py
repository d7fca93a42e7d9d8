"""Budgets that begin in the middle of a month."""

from datetime import datetime
from typing import TYPE_CHECKING

from route_switch.adapters.operations.dynamodb_budgets import DynamoDbBudgets
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class OpenedBudgets:
    """Every method raises `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._totals = DynamoDbTotals(dynamodb, table)
        self._budgets = DynamoDbBudgets(dynamodb, table)

    def open_with_spent(self, key_id: str, now: datetime) -> None:
        """Let a budget begin with what the key has spent this month without one."""
        month = f"{now:%Y-%m}"
        counters = self._totals.of_keys([key_id], [month])[key_id]
        self._budgets.open(key_id, month, counters.get("cost_usd", 0.0))
