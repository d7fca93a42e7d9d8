"""The first keys of a stack: stored as hashes, handed over once."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from route_switch.adapters.keys_table import item_of
from route_switch.domain.api_keys import ApiKey, Role, hash_key, key_id_of
from route_switch.services.operations.first_deploy import FirstKeys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef
    from mypy_boto3_ssm import SSMClient

    Item = dict[str, AttributeValueTypeDef]


class DynamoDbFirstKeys:
    """The first keys, and a marker item that says that they exist."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def has_first_keys(self) -> bool:
        marker = self._client.get_item(
            TableName=self._table, Key={"pk": {"S": "FIRST_KEYS"}}, ConsistentRead=True
        )
        return "Item" in marker

    def add_first_keys(self, keys: FirstKeys) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        marker: Item = {"pk": {"S": "FIRST_KEYS"}, "created_at": {"S": now}}
        items = (
            marker,
            _first_key(keys.client, "client", now),
            _first_key(keys.admin, "admin", now),
        )
        self._client.transact_write_items(TransactItems=[self._put(item) for item in items])

    def _put(self, item: "Item") -> "TransactWriteItemTypeDef":
        new = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": new}}


def _first_key(key: str, role: Role, now: str) -> "Item":
    digest = hash_key(key)
    return item_of(ApiKey(key_id_of(digest), f"first-{role}", role), digest, now)


class SsmHandover:
    """A SecureString parameter that the owner reads once and then deletes."""

    def __init__(self, client: "SSMClient", name: str) -> None:
        self._client = client
        self._name = name

    def read(self) -> FirstKeys | None:
        try:
            answer = self._client.get_parameter(Name=self._name, WithDecryption=True)
        except self._client.exceptions.ParameterNotFound:
            return None
        return FirstKeys(**json.loads(answer["Parameter"]["Value"]))

    def write(self, keys: FirstKeys) -> None:
        self._client.put_parameter(
            Name=self._name,
            Description=(
                "The first keys of route-switch. Read them once, then delete this parameter."
            ),
            Value=json.dumps({"client": keys.client, "admin": keys.admin}),
            Type="SecureString",
        )
