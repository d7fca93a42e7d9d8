"""Changes of keys, each in one transaction with its entry in the audit trail."""

from datetime import datetime
from typing import TYPE_CHECKING

from route_switch.adapters.keys_table import key_pk
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.operations.owned_keys import KeysTable
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.audit import AuditEntry
from route_switch.domain.operations.refused_changes import ChangeRefusedError
from route_switch.domain.operations.stored_keys import StoredKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    Writes = list[TransactWriteItemTypeDef]


class AuditedKeys:
    """`changed_by`, if a key makes the changes, is its id and the hash of the secret that it
    presented. A change is not made if that secret was revoked meanwhile, so that two admin keys
    cannot revoke each other at the same moment. botocore's errors propagate."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        keys_table: str,
        results_table: str,
        list_keys: str,
        changed_by: tuple[str, str] | None = None,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = keys_table
        self._keys = KeysTable(dynamodb, keys_table, list_keys)
        self._trail = DynamoDbAudit(dynamodb, results_table)
        self._changed_by = changed_by

    def all(self) -> list[StoredKey]:
        return self._keys.all()

    def add(self, stored: StoredKey, entry: AuditEntry) -> None:
        also = self._also(stored, entry)
        try:
            self._keys.add(stored.key, stored.key_hash, stored.created_at, also)
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            raise ChangeRefusedError(
                "No key was created: the key that asks for it was revoked at the same moment, or "
                "another change of keys got in the way. Try again.",
                "key_changed",
            ) from error

    def change(self, stored: StoredKey, key: ApiKey, now: datetime, entry: AuditEntry) -> None:
        self._keys.change(stored, key, now, self._also(stored, entry))

    def rotate(
        self, stored: StoredKey, key_hash: str, now: datetime, ends_at: datetime, entry: AuditEntry
    ) -> None:
        self._keys.rotate(stored, key_hash, now, ends_at, self._also(stored, entry))

    def revoke(self, stored: StoredKey, now: datetime, entry: AuditEntry) -> None:
        self._keys.revoke(stored, now, self._also(stored, entry))

    def _also(self, stored: StoredKey, entry: AuditEntry) -> "Writes":
        written = self._trail.put(entry)
        if self._changed_by is None or self._changed_by[0] == stored.key.key_id:
            return [written]  # a transaction may not name an item twice
        check: TransactWriteItemTypeDef = {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": key_pk(self._changed_by[1]),
                "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(revoked_at)",
            }
        }
        return [written, check]
