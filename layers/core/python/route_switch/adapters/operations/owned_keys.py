"""All keys of a stage, for the owner: add, list, rotate and revoke them. `adapters.keys_table`
describes the items. botocore's errors propagate."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from route_switch.adapters.keys_table import KEY_PREFIX, item_of, key_of, key_pk
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RouteSwitchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    Item = Mapping[str, AttributeValueTypeDef]
    Writes = Sequence[TransactWriteItemTypeDef]


_NEWEST_AND_VALID = (
    "attribute_exists(pk) AND attribute_not_exists(ends_at) AND attribute_not_exists(revoked_at)"
)


@dataclass(frozen=True, slots=True)
class FormerSecret:
    """A secret of a key that a rotation replaced. It is valid until `ends_at`."""

    key_hash: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with details that only its owner needs. `revoked_at` is None while it is valid.
    `key_hash` is its newest secret's, made at `rotated_at` if there was a rotation."""

    key: ApiKey
    key_hash: str
    created_at: str
    revoked_at: str | None
    rotated_at: str | None = None
    former: tuple[FormerSecret, ...] = ()

    def still_valid(self, now: datetime) -> tuple[FormerSecret, ...]:
        return tuple(each for each in self.former if each.ends_at > now)


class KeysTable:
    """`also` are writes to other tables that belong to the same transaction."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def add(self, key: ApiKey, key_hash: str, created_at: str, also: "Writes" = ()) -> None:
        new = self._put(item_of(key, key_hash, created_at))
        self._dynamodb.transact_write_items(TransactItems=[new, *also])

    def all(self) -> list[StoredKey]:
        """Return all keys, oldest first. The table contains little else, so a scan is efficient."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table, ConsistentRead=True
        )
        secrets: dict[str, list[Item]] = {}
        for item in (item for page in pages for item in page["Items"]):
            if item["pk"]["S"].startswith(KEY_PREFIX):
                secrets.setdefault(item["key_id"]["S"], []).append(item)
        keys = [_stored_key(items) for items in secrets.values()]
        return sorted(keys, key=lambda stored: (stored.created_at, stored.key.key_id))

    def rotate(
        self,
        stored: StoredKey,
        key_hash: str,
        now: datetime,
        ends_at: datetime,
        also: "Writes" = (),
    ) -> None:
        """Add a secret, and end the newest one and those that would end later at `ends_at`. Raise
        `RouteSwitchError` if the key was rotated or revoked meanwhile."""
        found = self._dynamodb.get_item(
            TableName=self._table, Key=key_pk(stored.key_hash), ConsistentRead=True
        )
        new: Item = {
            **found["Item"],
            **key_pk(key_hash),
            "rotated_at": {"S": now.isoformat(timespec="seconds")},
        }
        later = [each.key_hash for each in stored.former if each.ends_at > ends_at]
        ends = [self._end(each, ends_at) for each in (stored.key_hash, *later)]
        ends[0]["Update"]["ConditionExpression"] = _NEWEST_AND_VALID
        with self._unchanged(stored):
            self._dynamodb.transact_write_items(TransactItems=[self._put(new), *ends, *also])

    def revoke(self, stored: StoredKey, now: datetime, also: "Writes" = ()) -> bool:
        """Revoke all secrets that are still valid. Return False if the key was already revoked.
        Raise `RouteSwitchError` if it was rotated or revoked meanwhile."""
        if stored.revoked_at is not None:
            return False
        hashes = (stored.key_hash, *(each.key_hash for each in stored.still_valid(now)))
        at = now.isoformat(timespec="seconds")
        revocations = [self._set(each, "revoked_at", at) for each in hashes]
        # A rotation in between would add a secret that this revocation does not know.
        revocations[0]["Update"]["ConditionExpression"] = _NEWEST_AND_VALID
        with self._unchanged(stored):
            self._dynamodb.transact_write_items(TransactItems=[*revocations, *also])
        return True

    @contextmanager
    def _unchanged(self, stored: StoredKey) -> "Iterator[None]":
        try:
            yield
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            raise RouteSwitchError(
                f"Nothing was changed: {stored.key.key_id} ({stored.key.name}) was rotated or "
                "revoked at the same moment. See 'route-switch keys list', and try again."
            ) from error

    def _put(self, item: "Item") -> "TransactWriteItemTypeDef":
        new = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": new}}

    def _end(self, key_hash: str, ends_at: datetime) -> "TransactWriteItemTypeDef":
        return self._set(key_hash, "ends_at", ends_at.isoformat(timespec="seconds"))

    def _set(self, key_hash: str, name: str, value: str) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": key_pk(key_hash),
                "UpdateExpression": f"SET {name} = :value",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeValues": {":value": {"S": value}},
            }
        }


def _stored_key(secrets: "Sequence[Item]") -> StoredKey:
    """`secrets` are the items of one key."""
    [newest, *_] = sorted(secrets, key=lambda item: "ends_at" in item)
    former = [item for item in secrets if item is not newest]
    return StoredKey(
        key=key_of(newest),
        key_hash=_hash_of(newest),
        created_at=newest["created_at"]["S"],
        revoked_at=newest["revoked_at"]["S"] if "revoked_at" in newest else None,
        rotated_at=newest["rotated_at"]["S"] if "rotated_at" in newest else None,
        former=tuple(
            FormerSecret(_hash_of(item), datetime.fromisoformat(item["ends_at"]["S"]))
            for item in former
        ),
    )


def _hash_of(item: "Item") -> str:
    return item["pk"]["S"].removeprefix(KEY_PREFIX)
