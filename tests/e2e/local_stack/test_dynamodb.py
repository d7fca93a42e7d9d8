"""DynamoDB's guarantees for transactions, on separate tables."""

from typing import Any

import pytest

from local.aws.client import StackInfo
from tests.support.executions import aws

HASH = [{"AttributeName": "pk", "KeyType": "HASH"}]
RANGE = [*HASH, {"AttributeName": "sk", "KeyType": "RANGE"}]


@pytest.fixture(params=[HASH, RANGE], ids=["hash", "hash-and-range"])
def table(stack: StackInfo, request: pytest.FixtureRequest) -> str:
    name = f"table-of-{len(request.param)}"
    names = [each["AttributeName"] for each in request.param]
    aws(stack, "dynamodb").create_table(
        TableName=name,
        KeySchema=request.param,
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def key(pk: str, table: str) -> dict[str, Any]:
    return {"pk": {"S": pk}} | ({"sk": {"S": "x"}} if table.endswith("2") else {})


def writes(table: str, condition: str) -> list[dict[str, Any]]:
    """Return an update, a put, a delete and a conditional update."""
    counted = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    return [
        {"Update": {"TableName": table, "Key": key("old", table), **counted}},
        {"Put": {"TableName": table, "Item": key("new", table)}},
        {"Delete": {"TableName": table, "Key": key("gone", table)}},
        {
            "Update": {
                "TableName": table,
                "Key": key("other", table),
                "ConditionExpression": condition,
                **counted,
            }
        },
    ]


def test_a_transaction_is_all_or_nothing(stack: StackInfo, table: str) -> None:
    dynamodb = aws(stack, "dynamodb")
    for pk in ("old", "gone", "other"):
        dynamodb.put_item(TableName=table, Item={**key(pk, table), "n": {"N": "1"}})

    def found() -> dict[str, str | None]:
        items = dynamodb.scan(TableName=table)["Items"]
        return {item["pk"]["S"]: item.get("n", {}).get("N") for item in items}

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=writes(table, "attribute_not_exists(pk)"))
    assert found() == {"old": "1", "gone": "1", "other": "1"}
    dynamodb.transact_write_items(TransactItems=writes(table, "attribute_exists(pk)"))
    assert found() == {"old": "2", "new": None, "other": "2"}
