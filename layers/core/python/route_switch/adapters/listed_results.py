"""The entry of a request in the list of results, and how it is read.

    TIME#<YYYY-MM-DD>#<shard>   <time>#<request id>   row, expires_at

The record's own transaction writes it, so that each recorded request has exactly one. An index by
time would cost less storage, but a table takes one new index per update. `row` is JSON of about
350 bytes. The day is UTC; the shard follows from the request's id, so that no partition is hot.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import TYPE_CHECKING
from zlib import crc32

from route_switch.adapters.results_table import item_key
from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.result_row import ResultRow, position_in_time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

LISTED_PARTITIONS = "TIME#*"
LISTED_SHARDS = 4
"""Each shard takes 500 transactions per second."""
_IN_KEY = ("request_id", "created_at")
_STORED = tuple(each.name for each in fields(ResultRow) if each.name not in _IN_KEY)


def listed_key(request_id: str, created_at: datetime) -> "Item":
    position = position_in_time(created_at, request_id)
    shard = crc32(request_id.encode()) % LISTED_SHARDS
    return item_key(_partition(position[:10], shard), position)


def listed_partitions(day: date) -> list[str]:
    return [_partition(day.isoformat(), shard) for shard in range(LISTED_SHARDS)]


def listed_entry(record: RequestRecord, expires_at: int) -> "Item":
    row = ResultRow.of(record)
    values: JsonObject = {name: getattr(row, name) for name in _STORED}
    known = {name: value for name, value in values.items() if value is not None}
    return {
        **listed_key(record.request_id, record.created_at),
        "row": {"S": json.dumps(known, ensure_ascii=False, separators=(",", ":"))},
        "expires_at": {"N": str(expires_at)},
    }


def stored_row(item: "Mapping[str, AttributeValueTypeDef]") -> JsonObject:
    """Return the fields of `ResultRow` as JSON; unknown ones are None."""
    created_at, _, request_id = item["sk"]["S"].partition("#")
    row: JsonObject = json.loads(item["row"]["S"])
    return {
        "request_id": request_id,
        "created_at": created_at,
        **{name: row.get(name) for name in _STORED},
    }


def _partition(day: str, shard: int) -> str:
    return f"TIME#{day}#{shard}"
