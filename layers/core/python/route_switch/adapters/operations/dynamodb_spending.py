"""Count money that no record of a request counts."""

import secrets
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import SHARDS, day_key, month_key
from route_switch.domain.operations.costs import MODEL, ROUTER, TIER

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    Item = dict[str, AttributeValueTypeDef]


class DynamoDbSpending:
    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def add(self, key_id: str, at: datetime, model: str, usd: float) -> None:
        """Count once, even if the call is sent twice. The names are those of
        `adapters.record_counters`: it bought no answer, so it lowers the savings."""
        names = ("cost_usd", "cost_usd:unanswered", f"{TIER}{ROUTER}", f"{MODEL}{model}")
        shard = secrets.randbelow(SHARDS)
        keys = (day_key(at.date(), shard), month_key(key_id, f"{at:%Y-%m}", shard))
        self._dynamodb.transact_write_items(
            TransactItems=[self._update(key, names, usd) for key in keys],
            ClientRequestToken=uuid.uuid4().hex,
        )

    def _update(
        self, key: "Item", names: tuple[str, ...], usd: float
    ) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": key,
                "UpdateExpression": "ADD " + ", ".join(f"#{n} :usd" for n in range(len(names))),
                "ExpressionAttributeNames": {f"#{n}": name for n, name in enumerate(names)},
                "ExpressionAttributeValues": {":usd": {"N": f"{usd:.12f}"}},
            }
        }
