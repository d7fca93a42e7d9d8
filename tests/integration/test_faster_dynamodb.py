"""moto's DynamoDB, made faster (`local.aws.moto_dynamodb`), still does what DynamoDB does."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

ACCOUNT = "123456789012"
KEY: "dict[str, AttributeValueTypeDef]" = {"pk": {"S": "counters"}, "sk": {"S": "day"}}


@pytest.fixture
def dynamodb(results_table: str) -> "DynamoDBClient":
    client: DynamoDBClient = boto3.client("dynamodb")
    return client


def update(
    dynamodb: "DynamoDBClient", expression: str, values: "Mapping[str, AttributeValueTypeDef]"
) -> None:
    dynamodb.update_item(
        TableName="results",
        Key=KEY,
        UpdateExpression=expression,
        ExpressionAttributeValues=values,
    )


def item(dynamodb: "DynamoDBClient") -> "Mapping[str, AttributeValueTypeDef]":
    found = dynamodb.get_item(TableName="results", Key=KEY).get("Item", {})
    return {name: value for name, value in found.items() if name not in KEY}


def test_every_addition_counts_each_time(dynamodb: "DynamoDBClient") -> None:
    names = [f"n{number}" for number in range(20)]
    expression = "ADD " + ", ".join(f"{name} :{name}" for name in names)
    values: dict[str, AttributeValueTypeDef] = {
        f":{name}": {"N": str(number)} for number, name in enumerate(names)
    }
    for _ in range(3):
        update(dynamodb, expression, values)
    assert item(dynamodb) == {name: {"N": str(3 * n)} for n, name in enumerate(names)}


def test_clauses_work_together(dynamodb: "DynamoDBClient") -> None:
    update(dynamodb, "SET a = :one, b = :list", {":one": {"N": "1"}, ":list": {"L": [{"N": "5"}]}})
    update(
        dynamodb,
        "SET c = a + :two, b[0] = :two, d = if_not_exists(x, :two) ADD a :two REMOVE z",
        {":two": {"N": "2"}},
    )
    expected = {"a": {"N": "3"}, "b": {"L": [{"N": "2"}]}, "c": {"N": "3"}, "d": {"N": "2"}}
    assert item(dynamodb) == expected


@pytest.mark.parametrize(
    "expression",
    ["ADD a :one ADD b :one", "SET a = :one SET b = :one", "SET a = :one, a = :one"],
)
def test_wrong_expressions_are_rejected(dynamodb: "DynamoDBClient", expression: str) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        update(dynamodb, expression, {":one": {"N": "1"}})
    assert item(dynamodb) == {}


def test_a_failed_transaction_changes_nothing(dynamodb: "DynamoDBClient") -> None:
    update(dynamodb, "ADD a :one", {":one": {"N": "1"}})
    for name in ("replaced", "deleted"):
        dynamodb.put_item(TableName="results", Item={**key(name), "old": {"S": "yes"}})
    before = dynamodb.scan(TableName="results")["Items"]
    writes: list[TransactWriteItemTypeDef] = [
        added_to(KEY),
        added_to(key("updated")),
        {"Put": {"TableName": "results", "Item": key("added")}},
        {"Put": {"TableName": "results", "Item": key("replaced")}},
        {"Delete": {"TableName": "results", "Key": key("deleted")}},
    ]
    refused: TransactWriteItemTypeDef = {
        "Put": {
            "TableName": "results",
            "Item": key("new"),
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(TransactItems=[*writes, refused])
    with pytest.raises(ClientError, match="multiple operations on one item"):
        dynamodb.transact_write_items(TransactItems=[*writes, writes[0]])
    assert dynamodb.scan(TableName="results")["Items"] == before


def test_a_transaction_reads_no_items_but_its_own(
    dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each request would take longer than the one before."""
    for number in range(20):
        dynamodb.put_item(TableName="results", Item=key(f"item {number}"))
    table = dynamodb_backends[ACCOUNT][dynamodb.meta.region_name].tables["results"]
    monkeypatch.setattr(table, "items", NotToBeWalked(dict, table.items))
    writes = [added_to(KEY), added_to(key("item 3"))]
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=writes)
    assert item(dynamodb) == {"a": {"N": "2"}}


class NotToBeWalked(defaultdict[Any, Any]):
    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("a transaction walks through all items")

    items = values = keys = __iter__  # type: ignore[assignment]


def key(name: str) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": name}, "sk": {"S": name}}


def added_to(of: "dict[str, AttributeValueTypeDef]") -> "TransactWriteItemTypeDef":
    return {
        "Update": {
            "TableName": "results",
            "Key": of,
            "UpdateExpression": "ADD a :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def test_a_scan_returns_the_items_in_the_order_of_their_keys(dynamodb: "DynamoDBClient") -> None:
    names = [("b", "2"), ("a", "10"), ("b", "1"), ("a", "9")]
    for pk, sk in names:
        dynamodb.put_item(TableName="results", Item={"pk": {"S": pk}, "sk": {"S": sk}})
    pages = dynamodb.get_paginator("scan").paginate(
        TableName="results", PaginationConfig={"PageSize": 1}
    )
    found = [(each["pk"]["S"], each["sk"]["S"]) for page in pages for each in page["Items"]]
    assert found == sorted(names)


def test_a_scan_follows_items_that_come_and_go(dynamodb: "DynamoDBClient") -> None:
    def scanned() -> list[str]:
        return [each["pk"]["S"] for each in dynamodb.scan(TableName="results")["Items"]]

    for name in ("b", "a"):
        dynamodb.put_item(TableName="results", Item=key(name))
    assert scanned() == ["a", "b"]
    dynamodb.delete_item(TableName="results", Key=key("a"))
    dynamodb.transact_write_items(TransactItems=[added_to(key("0"))])
    assert scanned() == ["0", "b"]
    refused = added_to(key("b"))
    refused["Update"]["ConditionExpression"] = "attribute_not_exists(pk)"
    with pytest.raises(ClientError):
        dynamodb.transact_write_items(TransactItems=[added_to(key("c")), refused])
    assert scanned() == ["0", "b"]


def test_moto_keeps_no_copy_of_a_table_for_each_transaction(dynamodb: "DynamoDBClient") -> None:
    """It would hold a dictionary of all items: memory grew with the square of requests."""
    before = len(Table.instances_tracked)
    for number in range(5):
        new: Mapping[str, AttributeValueTypeDef] = {"pk": {"S": "a"}, "sk": {"S": str(number)}}
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": "results", "Item": new}}]
        )
    assert len(Table.instances_tracked) == before
