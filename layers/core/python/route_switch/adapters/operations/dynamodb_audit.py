"""The audit trail in the results table.

    AUDIT#<YYYY-MM>  <time, ISO>#<change id>#<state>   by, area, action, subject, before, after,
                                                       expires_at

No role of the stack may update or delete these items, and only functions that make changes may put
them (`tests/infra/test_rights.py`). DynamoDB removes them after `RETENTION`.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.results_table import item_key
from route_switch.domain.operations.audit import AREAS, RETENTION, AuditEntry, Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

AUDIT_PARTITIONS = "AUDIT#*"
_NEW = "attribute_not_exists(pk)"


class DynamoDbAudit:
    """Every method raises `StoreError` when DynamoDB refuses or is unreachable."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors("The audit trail")
    def add(self, entry: AuditEntry) -> None:
        self._dynamodb.put_item(
            TableName=self._table, Item=_item_of(entry), ConditionExpression=_NEW
        )

    def add_once(self, entry: AuditEntry) -> None:
        with (
            store_errors("The audit trail"),
            suppress(self._dynamodb.exceptions.ConditionalCheckFailedException),
        ):
            self._dynamodb.put_item(
                TableName=self._table, Item=_item_of(entry), ConditionExpression=_NEW
            )

    def put(self, entry: AuditEntry) -> "TransactWriteItemTypeDef":
        """Return the write, for a transaction with the change."""
        item = _item_of(entry)
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": _NEW}}

    def since(self, start: datetime, now: datetime) -> list[AuditEntry]:
        """Return the entries from `start` on, oldest first."""
        return [entry for month in _months(start, now) for entry in self._read(month, _time(start))]

    def of_month(self, month: str) -> list[AuditEntry]:
        """Return the entries of a month (`YYYY-MM`), oldest first."""
        return self._read(month, "0")

    @store_errors("The audit trail")
    def _read(self, month: str, start: str) -> list[AuditEntry]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk >= :start",
            ExpressionAttributeValues={":pk": {"S": f"AUDIT#{month}"}, ":start": {"S": start}},
            ConsistentRead=True,
        )
        return [_entry_of(item) for page in pages for item in page["Items"]]


def _months(start: datetime, now: datetime) -> Iterator[str]:
    year, month = start.year, start.month
    while (year, month) <= (now.year, now.month):
        yield f"{year}-{month:02}"
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _item_of(entry: AuditEntry) -> "Item":
    change, at = entry.change, entry.at.astimezone(UTC)
    values = {"before": change.before, "after": change.after}
    return {
        **item_key(f"AUDIT#{at:%Y-%m}", f"{_time(at)}#{entry.change_id}#{entry.state}"),
        "by": {"S": entry.by},
        "area": {"S": change.area},
        "action": {"S": change.action},
        "subject": {"S": change.subject},
        **{name: {"S": value} for name, value in values.items() if value is not None},
        "expires_at": {"N": str(int((at + RETENTION).timestamp()))},
    }


def _entry_of(item: "Item") -> AuditEntry:
    at, change_id, state = item["sk"]["S"].split("#")
    [area] = [each for each in AREAS if each == item["area"]["S"]]
    return AuditEntry(
        at=datetime.fromisoformat(at),
        change_id=change_id,
        by=item["by"]["S"],
        state="done" if state == "done" else "begun",
        change=Change(
            area,
            item["action"]["S"],
            item["subject"]["S"],
            item["before"]["S"] if "before" in item else None,
            item["after"]["S"] if "after" in item else None,
        ),
    )
