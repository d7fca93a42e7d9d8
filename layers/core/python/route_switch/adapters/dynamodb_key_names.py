"""Who the API keys belong to: the names and tags of all of them, and nothing else."""

from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.services.sum_costs import NamedKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FIELDS = {"#id": "key_id", "#name": "name", "#tags": "tags"}


class DynamoDbKeyNames:
    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors("The keys table")
    def all(self) -> list[NamedKey]:
        """By name; reads the whole table, which is small. Raises `StoreError`."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ProjectionExpression=", ".join(_FIELDS),
            ExpressionAttributeNames=_FIELDS,
        )
        items = [item for page in pages for item in page["Items"]]
        keys = [
            NamedKey(
                item["key_id"]["S"],
                item["name"]["S"],
                {tag: value["S"] for tag, value in item.get("tags", {"M": {}})["M"].items()},
            )
            for item in items
            if "key_id" in item  # one item marks that the first keys were made
        ]
        return sorted(keys, key=lambda key: (key.name, key.key_id))
