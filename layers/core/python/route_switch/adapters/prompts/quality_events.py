"""Read what followed from drops of quality. `adapters.prompts.dynamodb_quality` writes it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.prompts.dynamodb_quality import ASKED, REJECTED_PK, ROLLBACK_PK
from route_switch.domain.prompts.quality_events import QualityEvent
from route_switch.domain.prompts.rollback import RollbackOrder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

ONE_CLIENT = (
    "People rated its answers lower, but the drop rests on the ratings of one client, so a person "
    "was asked to decide."
)


class DynamoDbQualityEvents:
    """Raises `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def all(self) -> list[QualityEvent]:
        asked = (_rollback_of(item) for item in self._items(ROLLBACK_PK))
        rejected = (_rejection_of(item) for item in self._items(REJECTED_PK))
        return [*asked, *rejected]

    def _items(self, pk: str) -> "Iterator[Item]":
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
        )
        for page in pages:
            yield from page["Items"]


def _rollback_of(item: "Item") -> QualityEvent:
    name = item["sk"]["S"]
    if name.startswith(ASKED):
        return QualityEvent(_at(item), int(name.rpartition("@")[2]), "asked", ONE_CLIENT)
    order = RollbackOrder.model_validate_json(item["order"]["S"])
    return QualityEvent(None, order.from_version, "rolling_back", order.because)


def _rejection_of(item: "Item") -> QualityEvent:
    version, because = int(item["version"]["N"]), item["because"]["S"]
    return QualityEvent(_at(item), version, "rolled_back", because)


def _at(item: "Item") -> datetime | None:
    return datetime.fromisoformat(item["at"]["S"]) if "at" in item else None
