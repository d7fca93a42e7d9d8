"""Feedback scores by prompt version, and the rollbacks they caused.

QUALITY#<prompt version>  FEEDBACK  n, total, total_squares: of the scores as given
QUALITY#<prompt version>  CLIENT#<client>   the same sums of one client's scores
QUALITY#ROLLBACK          ASKED#<prompt version>  a person was asked whether to roll it back; at
QUALITY#ROLLBACK          PENDING   order: sent to the promoter and not answered yet
QUALITY#REJECTED          <digest>  version, because, at: a prompt that was rolled back

Items of earlier releases have no `at` (ISO).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import CLIENT_SK, TOTAL_SK, item_key, quality_key
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.domain.prompts.rollback import Rejection, RollbackOrder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

ROLLBACK_PK = "QUALITY#ROLLBACK"
REJECTED_PK = "QUALITY#REJECTED"
ASKED = "ASKED#"
_PENDING = item_key(ROLLBACK_PK, "PENDING")


class DynamoDbQuality:
    """Every method raises `StoreError`."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def scores(self, prompt_version: str) -> Scores:
        """Return empty scores when there is no feedback."""
        return _scores(self._get(quality_key(prompt_version)) or {})

    @store_errors()
    def by_client(self, prompt_version: str) -> dict[str, Scores]:
        """Return the scores by client; those without a client are under ""."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": quality_key(prompt_version)["pk"]},
            ConsistentRead=True,
        )
        items = {item["sk"]["S"]: _scores(item) for page in pages for item in page["Items"]}
        total = items.pop(TOTAL_SK, Scores())
        found = {sk.removeprefix(CLIENT_SK): scores for sk, scores in items.items()}
        rest = total - sum(found.values(), Scores())
        return found if rest.n <= 0 else {**found, "": rest}

    @store_errors()
    def asked(self, prompt_version: str) -> bool:
        return self._get(item_key(ROLLBACK_PK, f"{ASKED}{prompt_version}")) is not None

    @store_errors()
    def put_asked(self, prompt_version: str) -> None:
        item: Item = {**item_key(ROLLBACK_PK, f"{ASKED}{prompt_version}"), "at": {"S": _now()}}
        self._dynamodb.put_item(TableName=self._table, Item=item)

    @store_errors()
    def pending(self) -> RollbackOrder | None:
        item = self._get(_PENDING)
        return None if item is None else RollbackOrder.model_validate_json(item["order"]["S"])

    @store_errors()
    def put_pending(self, order: RollbackOrder) -> None:
        item: Item = {**_PENDING, "order": {"S": order.model_dump_json()}}
        self._dynamodb.put_item(TableName=self._table, Item=item)

    @store_errors()
    def clear_pending(self) -> None:
        self._dynamodb.delete_item(TableName=self._table, Key=_PENDING)

    def _get(self, key: "Item") -> "Item | None":
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return found.get("Item")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _scores(item: "Item") -> Scores:
    n, total, squares = (
        float(item.get(name, {"N": "0"})["N"]) for name in ("n", "total", "total_squares")
    )
    return Scores(int(n), total, squares)


class DynamoDbRejections:
    """Every method raises `StoreError`."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def of(self, digest: str) -> Rejection | None:
        item = self._dynamodb.get_item(
            TableName=self._table, Key=item_key(REJECTED_PK, digest), ConsistentRead=True
        ).get("Item")
        if item is None:
            return None
        return Rejection(int(item["version"]["N"]), item["because"]["S"])

    @store_errors()
    def add(self, digest: str, rejection: Rejection) -> None:
        item: Item = {
            **item_key(REJECTED_PK, digest),
            "version": {"N": str(rejection.version)},
            "because": {"S": rejection.because},
            "at": {"S": _now()},
        }
        self._dynamodb.put_item(TableName=self._table, Item=item)
