"""All keys of a stage, for the owner: add, list, change, rotate and revoke them.
`adapters.keys_table` describes the items. botocore's errors propagate."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from route_switch.adapters.keys_table import (
    KEY_PREFIX,
    LIMITED_UNTIL,
    SETTABLE,
    item_of,
    key_of,
    key_pk,
)
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.refused_changes import ChangeRefusedError
from route_switch.domain.operations.stored_keys import FormerSecret, StoredKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        TransactWriteItemTypeDef,
        UpdateTypeDef,
    )

    Item = Mapping[str, AttributeValueTypeDef]
    Writes = Sequence[TransactWriteItemTypeDef]


_NEWEST_AND_VALID = (
    "attribute_exists(pk) AND attribute_not_exists(ends_at) AND attribute_not_exists(revoked_at)"
)


class KeysTable:
    """`also` are writes to other tables that belong to the same transaction. `list_keys` tells the
    reader of an error where the keys are listed."""

    def __init__(
        self, dynamodb: "DynamoDBClient", table: str, list_keys: str = "'route-switch keys list'"
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._list_keys = list_keys

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
        `ChangeRefusedError` if the key was rotated or revoked meanwhile."""
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
        Raise `ChangeRefusedError` if it was rotated or revoked meanwhile."""
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

    def change(self, stored: StoredKey, key: ApiKey, now: datetime, also: "Writes" = ()) -> None:
        """Give all secrets that are still valid the settings of `key`. Write only those that
        differ, so that of two changes at the same moment both take effect. Raise
        `ChangeRefusedError` if the key was rotated or revoked meanwhile."""
        new, old = (item_of(each, stored.key_hash, stored.created_at) for each in (key, stored.key))
        differing = {n: new.get(n) for n in SETTABLE if new.get(n) != old.get(n)}
        hashes = (stored.key_hash, *(each.key_hash for each in stored.still_valid(now)))
        changes = [self._update(each, differing) for each in hashes]
        changes[0]["Update"]["ConditionExpression"] = _NEWEST_AND_VALID
        with self._unchanged(stored):
            self._dynamodb.transact_write_items(TransactItems=[*changes, *also])

    def limit_upgrades(
        self, stored: StoredKey, until: datetime | None, now: datetime, also: "Writes" = ()
    ) -> None:
        """Keep routing from sending the key's requests to Tier 3 until then; None ends that. It
        touches no other attribute: the monitor's role may write no other."""
        value: AttributeValueTypeDef = {"S": until.isoformat()} if until else {}
        hashes = (stored.key_hash, *(each.key_hash for each in stored.still_valid(now)))
        updates = [self._update(each, {LIMITED_UNTIL: value or None}) for each in hashes]
        self._dynamodb.transact_write_items(TransactItems=[*updates, *also])

    @contextmanager
    def _unchanged(self, stored: StoredKey) -> "Iterator[None]":
        try:
            yield
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            raise ChangeRefusedError(
                f"Nothing was changed: {stored.label} was rotated or revoked at the same moment. "
                f"See {self._list_keys}, and try again.",
                "key_changed",
            ) from error

    def _put(self, item: "Item") -> "TransactWriteItemTypeDef":
        new = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": new}}

    def _end(self, key_hash: str, ends_at: datetime) -> "TransactWriteItemTypeDef":
        return self._set(key_hash, "ends_at", ends_at.isoformat(timespec="seconds"))

    def _set(self, key_hash: str, name: str, value: str) -> "TransactWriteItemTypeDef":
        return self._update(key_hash, {name: {"S": value}})

    def _update(
        self, key_hash: str, values: "Mapping[str, AttributeValueTypeDef | None]"
    ) -> "TransactWriteItemTypeDef":
        """Set these attributes, and remove those that are None."""
        given = {name: value for name, value in values.items() if value is not None}
        removed = [f"#{name}" for name in values if name not in given]
        parts = [f"SET {', '.join(f'#{name} = :{name}' for name in given)}"] if given else []
        parts += [f"REMOVE {', '.join(removed)}"] if removed else []
        update: UpdateTypeDef = {
            "TableName": self._table,
            "Key": key_pk(key_hash),
            "UpdateExpression": " ".join(parts),
            "ConditionExpression": "attribute_exists(pk)",
            # `name` is a reserved word.
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
        }
        if given:
            update["ExpressionAttributeValues"] = {f":{n}": value for n, value in given.items()}
        return {"Update": update}


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
