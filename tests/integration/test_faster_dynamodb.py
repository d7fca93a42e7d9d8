"""moto's DynamoDB, made faster (`local.aws.moto_dynamodb`), still does what DynamoDB does."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

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
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": "results",
                        "Key": KEY,
                        "UpdateExpression": "ADD a :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }
                },
                {
                    "Put": {
                        "TableName": "results",
                        "Item": {"pk": {"S": "new"}, "sk": {"S": "new"}},
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
            ]
        )
    assert item(dynamodb) == {"a": {"N": "1"}}
    assert "Item" not in dynamodb.get_item(
        TableName="results", Key={"pk": {"S": "new"}, "sk": {"S": "new"}}
    )


def test_moto_keeps_no_copy_of_a_table_for_each_transaction(dynamodb: "DynamoDBClient") -> None:
    """It would hold a dictionary of all items: memory grew with the square of requests."""
    before = len(Table.instances_tracked)
    for number in range(5):
        new: Mapping[str, AttributeValueTypeDef] = {"pk": {"S": "a"}, "sk": {"S": str(number)}}
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": "results", "Item": new}}]
        )
    assert len(Table.instances_tracked) == before
