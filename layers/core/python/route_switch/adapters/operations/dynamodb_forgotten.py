"""Notes of deleted requests: how a run that has seen one learns that it is gone.

    FORGOTTEN  <request id>  keys (digests of its texts), expires_at

A run copies the texts of its examples before they are deleted. It looks here before it makes a
prompt live, and at its end. Whatever comes too late even for that (a function that outlives the
run that called it) is found by the end of the next run.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import FORGOTTEN, item_key
from route_switch.domain.operations.forgotten import Forgotten

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_S = 104 * 24 * 3600
"""The longest window of learning (90 days), and two weeks for its runs."""


class DynamoDbForgotten:
    def __init__(
        self, dynamodb: "DynamoDBClient", table: str, now: Callable[[], float] = time.time
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._now = now

    @store_errors()
    def add(self, request: Forgotten) -> None:
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                **item_key(FORGOTTEN, request.request_id),
                "keys": {"L": [{"S": key} for key in sorted(request.keys)]},
                "expires_at": {"N": str(int(self._now()) + KEPT_S)},
            },
        )

    @store_errors()
    def all(self) -> list[Forgotten]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": FORGOTTEN}},
            ConsistentRead=True,
        )
        return [
            Forgotten(item["sk"]["S"], frozenset(key["S"] for key in item["keys"]["L"]))
            for page in pages
            for item in page["Items"]
        ]
