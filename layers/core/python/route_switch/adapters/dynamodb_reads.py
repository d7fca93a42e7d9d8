"""Reading many items at once, and what is raised where DynamoDB refuses."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        KeysAndAttributesOutputTypeDef,
        KeysAndAttributesTypeDef,
    )

    Item = dict[str, AttributeValueTypeDef]

KEYS_A_BATCH = 100


@contextmanager
def store_errors(what: str = "The results table") -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"{what} cannot be used right now: {error}") from error


def batch_get(
    dynamodb: "DynamoDBClient", table: str, keys: "Sequence[Item]", fields: Sequence[str] = ()
) -> "Iterator[Item]":
    """The items that exist, whole or these fields of them, in no order."""
    names = {f"#{n}": field for n, field in enumerate(fields)}
    for start in range(0, len(keys), KEYS_A_BATCH):
        wanted: KeysAndAttributesTypeDef = {"Keys": keys[start : start + KEYS_A_BATCH]}
        if names:
            wanted["ProjectionExpression"] = ", ".join(names)
            wanted["ExpressionAttributeNames"] = names
        left: Mapping[str, KeysAndAttributesTypeDef | KeysAndAttributesOutputTypeDef]
        left = {table: wanted}
        while left:  # each answer holds some of them, or DynamoDB raises
            answer = dynamodb.batch_get_item(RequestItems=left)
            yield from answer["Responses"].get(table, [])
            left = answer.get("UnprocessedKeys", {})
