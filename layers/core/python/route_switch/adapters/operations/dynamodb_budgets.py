"""The budget items of keys, for those who settle or open them. `adapters.dynamodb_limits` describes
an item. Every method raises `StoreError` when DynamoDB refuses or is unreachable."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_limits import DAY, OPEN
from route_switch.adapters.dynamodb_reads import batch_get, store_errors
from route_switch.adapters.results_table import budget_key, item_key
from route_switch.domain.operations.budgets import KeyBudget, LogPosition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

LOG = "LOG"
"""Sort key of the item beside the budget's that says how far the log was replayed: attributes
`from_<when the hour began>`, with the time and the announcements of `LogPosition`. It is written
only if that takes more than one run."""
FROM = "from_"
LOG_TTL = timedelta(days=60)


class DynamoDbBudgets:
    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def of_keys(self, key_ids: Sequence[str], months: Sequence[str]) -> list[KeyBudget]:
        """Return the budgets that anything was taken from."""
        names = [(key_id, month) for key_id in key_ids for month in months]
        keys = [make(*name) for name in names for make in (budget_key, _log_key)]
        found = list(batch_get(self._dynamodb, self._table, keys))
        logs = {item["pk"]["S"]: item for item in found if item["sk"]["S"] == LOG}
        budgets = (item for item in found if item["sk"]["S"] != LOG)
        return [_budget_of(item, logs.get(item["pk"]["S"], {})) for item in budgets]

    @store_errors()
    def settle(self, budget: KeyBudget, left: Mapping[int, float], charged_usd: float) -> bool:
        """Replace these reservations by one charge. Return False if another process was faster."""
        names = {f":{hour}": f"{OPEN}{hour:02}" for hour in left}
        gone = ", ".join([*names.values(), *(f"{DAY}{hour:02}" for hour in left)])
        values = {f":{hour}": {"N": f"{usd:.12f}"} for hour, usd in left.items()}
        change = charged_usd - sum(left.values())
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=budget_key(budget.key_id, budget.month),
                UpdateExpression=f"ADD taken_usd :usd REMOVE {gone}",
                ConditionExpression=" AND ".join(f"{n} = {v}" for v, n in names.items()),
                ExpressionAttributeValues={**values, ":usd": {"N": f"{change:.12f}"}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    @store_errors()
    def tidy(self, budget: KeyBudget, hours: Sequence[int]) -> None:
        """Forget these hours of the day, unless something is reserved in one of them again."""
        opens = [f"{OPEN}{hour:02}" for hour in hours]
        gone = ", ".join([*opens, *(f"{DAY}{hour:02}" for hour in hours)])
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=budget_key(budget.key_id, budget.month),
                UpdateExpression=f"REMOVE {gone}",
                ConditionExpression=" AND ".join(f"{name} = :zero" for name in opens),
                ExpressionAttributeValues={":zero": {"N": "0"}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    @store_errors()
    def note_replayed(self, budget: KeyBudget, began_at: datetime, position: LogPosition) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_log_key(budget.key_id, budget.month),
            UpdateExpression="SET #from = :position, expires_at = :expires",
            ExpressionAttributeNames={"#from": f"{FROM}{began_at.isoformat()}"},
            ExpressionAttributeValues={
                ":position": {
                    "L": [{"S": each} for each in (position.until.isoformat(), *position.announced)]
                },
                ":expires": {"N": f"{(began_at + LOG_TTL).timestamp():.0f}"},
            },
        )

    @store_errors()
    def open(self, key_id: str, month: str, spent_usd: float) -> None:
        """Let a budget begin with what the key has spent already, unless more was taken."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=budget_key(key_id, month),
                UpdateExpression="SET taken_usd = :usd",
                ConditionExpression="attribute_not_exists(taken_usd) OR taken_usd < :usd",
                ExpressionAttributeValues={":usd": {"N": f"{spent_usd:.12f}"}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return


def _log_key(key_id: str, month: str) -> "dict[str, AttributeValueTypeDef]":
    return item_key(budget_key(key_id, month)["pk"]["S"], LOG)


def _budget_of(item: "Item", log: "Item") -> KeyBudget:
    _, key_id, month = item["pk"]["S"].split("#")
    numbers = {name: float(value["N"]) for name, value in item.items() if "N" in value}
    return KeyBudget(
        key_id,
        month,
        numbers.get("taken_usd", 0.0),
        numbers.get("kept_usd", 0.0),
        _by_hour(numbers, OPEN),
        {hour: int(day) for hour, day in _by_hour(numbers, DAY).items()},
        {
            datetime.fromisoformat(name.removeprefix(FROM)): _position([e["S"] for e in found["L"]])
            for name, found in log.items()
            if name.startswith(FROM)
        },
    )


def _position(stored: Sequence[str]) -> LogPosition:
    until, *announced = stored
    return LogPosition(datetime.fromisoformat(until), tuple(announced))


def _by_hour(numbers: Mapping[str, float], prefix: str) -> dict[int, float]:
    return {
        int(name.removeprefix(prefix)): value
        for name, value in numbers.items()
        if name.startswith(prefix)
    }
