"""API keys in the keys table: the format that writers and readers share.

    KEY#<sha256 of the key, hex>    a key; the key itself is stored nowhere

Attributes: key_id, name, role, allowed_tiers, created_at, and only if set: tags,
requests_per_minute, monthly_budget_usd, when_spent, profile, revoked_at (ISO). Revoked keys stay in
the table, so that their requests keep a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import StoreError
from route_switch.domain.profiles import profile_named
from route_switch.domain.tiers import Tier

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

KEY_PREFIX = "KEY#"


def key_id_of(key_hash: str) -> str:
    """Return a key's public id, which does not help to guess the key."""
    return f"key_{key_hash[:12]}"


def item_of(key: ApiKey, key_hash: str, created_at: str) -> "Item":
    item: Item = {
        **_pk(key_hash),
        "key_id": {"S": key.key_id},
        "name": {"S": key.name},
        "role": {"S": key.role},
        "allowed_tiers": {"L": [{"N": str(tier.value)} for tier in sorted(key.allowed_tiers)]},
        "created_at": {"S": created_at},
    }
    if key.tags:
        item["tags"] = {"M": {name: {"S": value} for name, value in key.tags.items()}}
    if key.requests_per_minute is not None:
        item["requests_per_minute"] = {"N": str(key.requests_per_minute)}
    if key.monthly_budget_usd is not None:
        item["monthly_budget_usd"] = {"N": str(key.monthly_budget_usd)}
        item["when_spent"] = {"S": key.when_spent}
    if key.profile is not None:
        item["profile"] = {"S": key.profile}
    return item


def key_of(item: "Mapping[str, AttributeValueTypeDef]") -> ApiKey:
    tags = item["tags"]["M"] if "tags" in item else {}
    rate = item.get("requests_per_minute")
    budget = item.get("monthly_budget_usd")
    when_spent = item.get("when_spent", {"S": "refuse"})
    profile = item.get("profile")
    return ApiKey(
        key_id=item["key_id"]["S"],
        name=item["name"]["S"],
        role="admin" if item["role"]["S"] == "admin" else "client",
        allowed_tiers=frozenset(Tier(int(tier["N"])) for tier in item["allowed_tiers"]["L"]),
        tags={name: value["S"] for name, value in tags.items()},
        requests_per_minute=None if rate is None else int(rate["N"]),
        monthly_budget_usd=None if budget is None else float(budget["N"]),
        when_spent="downgrade" if when_spent["S"] == "downgrade" else "refuse",
        profile=None if profile is None else profile_named(profile["S"]),
        revoked="revoked_at" in item,
    )


class DynamoDbKeyStore:
    """Looks up the key that a request presents."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def find(self, key_hash: str) -> ApiKey | None:
        try:
            found = self._dynamodb.get_item(TableName=self._table, Key=_pk(key_hash))
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"API keys cannot be checked: {error}") from error
        return key_of(found["Item"]) if "Item" in found else None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with details that only its owner needs. `revoked_at` is None while it is valid."""

    key: ApiKey
    key_hash: str
    created_at: str
    revoked_at: str | None


class KeysTable:
    """All keys, for the owner. botocore's errors propagate."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def add(self, key: ApiKey, key_hash: str, created_at: str) -> None:
        self._dynamodb.put_item(
            TableName=self._table,
            Item=item_of(key, key_hash, created_at),
            ConditionExpression="attribute_not_exists(pk)",
        )

    def all(self) -> list[StoredKey]:
        """Return all keys, oldest first. The table contains little else, so a scan is efficient."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table, ConsistentRead=True
        )
        items = (item for page in pages for item in page["Items"])
        keys = [_stored_key(item) for item in items if item["pk"]["S"].startswith(KEY_PREFIX)]
        return sorted(keys, key=lambda stored: (stored.created_at, stored.key.key_id))

    def revoke(self, key_hash: str, now: str) -> bool:
        """Return False if the key was already revoked."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_pk(key_hash),
                UpdateExpression="SET revoked_at = :now",
                ConditionExpression="attribute_exists(pk) AND attribute_not_exists(revoked_at)",
                ExpressionAttributeValues={":now": {"S": now}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _pk(key_hash: str) -> "Item":
    return {"pk": {"S": f"{KEY_PREFIX}{key_hash}"}}


def _stored_key(item: "Mapping[str, AttributeValueTypeDef]") -> StoredKey:
    return StoredKey(
        key=key_of(item),
        key_hash=item["pk"]["S"].removeprefix(KEY_PREFIX),
        created_at=item["created_at"]["S"],
        revoked_at=item["revoked_at"]["S"] if "revoked_at" in item else None,
    )
