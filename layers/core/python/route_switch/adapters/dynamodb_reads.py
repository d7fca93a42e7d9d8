"""Read many items at once, and translate DynamoDB errors."""

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

KEYS_PER_BATCH = 100


@contextmanager
def store_errors(what: str = "The results table") -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"{what} is unavailable: {error}") from error


def batch_get(
    dynamodb: "DynamoDBClient", table: str, keys: "Sequence[Item]", fields: Sequence[str] = ()
) -> "Iterator[Item]":
    """Yield the items that exist, whole or reduced to these fields, in any order."""
    names = {f"#{n}": field for n, field in enumerate(fields)}
    for start in range(0, len(keys), KEYS_PER_BATCH):
        wanted: KeysAndAttributesTypeDef = {"Keys": keys[start : start + KEYS_PER_BATCH]}
        if names:
            wanted["ProjectionExpression"] = ", ".join(names)
            wanted["ExpressionAttributeNames"] = names
        left: Mapping[str, KeysAndAttributesTypeDef | KeysAndAttributesOutputTypeDef]
        left = {table: wanted}
        while left:  # each response has at least one item, or DynamoDB raises
            answer = dynamodb.batch_get_item(RequestItems=left)
            yield from answer["Responses"].get(table, [])
            left = answer.get("UnprocessedKeys", {})
