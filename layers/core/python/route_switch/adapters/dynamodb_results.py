"""Results and their counters in DynamoDB.

A transaction writes a record with its counters and its entry in the list of results, on the
condition that the record is new, so a retry cannot count twice. `adapters.results_table`
describes the items.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from zlib import crc32

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.listed_results import listed_entry
from route_switch.adapters.record_counters import counters_of, counters_of_day, counters_of_key
from route_switch.adapters.results_table import (
    SHARDS,
    TEXTS,
    UNKNOWN_AT_MOST,
    counted_key,
    day_key,
    month_key,
    read_record,
    record_in_index,
    record_key,
    user_in_index,
)
from route_switch.domain.errors import StoreError
from route_switch.domain.ports import JsonObject, TextStore
from route_switch.domain.replay import offers_tools
from route_switch.domain.request_record import Replay, RequestRecord, record_as_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        TransactWriteItemTypeDef,
    )

    Item = dict[str, AttributeValueTypeDef]

logger = logging.getLogger(__name__)

MAX_TRIES = 4
MAX_PAUSE_S = 0.02
MAX_TEXT_BYTES = 120_000
"""An item holds 400 KB and up to three texts. A text that is longer as JSON goes to S3, and the
item holds its key."""

NOTHING_MORE: Mapping[str, float] = {}
_TRY_AGAIN = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class DynamoDbResultStore:
    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        texts: TextStore,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._texts = texts
        self._sleep = sleep
        self._now = now

    def save(self, record: RequestRecord, expires_at: int) -> None:
        """Raise `StoreError` or botocore's errors if DynamoDB refuses. Saving the same record again
        changes nothing."""
        self._save(record, expires_at)

    def bring_home(
        self, record: RequestRecord, expires_at: int, at_most_usd: float | None = None
    ) -> bool:
        """Save a copy of a record from the queue or the log. Return False if it was counted before:
        it is in the table, or was deleted from it. `at_most_usd` is counted as the bound of a cost
        that is unknown. Raises like `save`."""
        check: TransactWriteItemTypeDef = {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": counted_key(record.request_id),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
        bound = {} if at_most_usd is None else {UNKNOWN_AT_MOST: at_most_usd}
        return self._save(record, expires_at, check, more=bound)

    def _save(
        self,
        record: RequestRecord,
        expires_at: int,
        *checks: "TransactWriteItemTypeDef",
        more: Mapping[str, float] = NOTHING_MORE,
    ) -> bool:
        """Return whether this call wrote the record, as far as that is known."""
        content = record_as_json(record)
        if isinstance(record.replay, Replay):
            content["replay"] = _replay_json(record.replay)
        long_texts = self._take_out_long_texts(record.request_id, content)
        puts = (self._put(record, content, expires_at), self._list(record, expires_at))
        counters = {**counters_of(record), **more}
        # Each try uses the next shard, because another request may be writing to this one.
        first = crc32(record.request_id.encode())
        codes: list[str] = []
        for attempt in range(MAX_TRIES):
            codes = self._write(record, puts, counters, (first + attempt) % SHARDS, checks)
            if not codes or "ConditionalCheckFailed" in codes:
                # Written after the record, because deletion finds them only through the record.
                self._put_texts(long_texts)
                return not codes
            if not _TRY_AGAIN.intersection(codes):
                break
            self._sleep(random.uniform(0, MAX_PAUSE_S * (attempt + 1)))  # noqa: S311 (jitter)
        raise StoreError(f"DynamoDB canceled the transaction: {', '.join(codes)}")

    def _write(
        self,
        record: RequestRecord,
        puts: "tuple[TransactWriteItemTypeDef, ...]",
        counters: dict[str, float],
        shard: int,
        checks: "tuple[TransactWriteItemTypeDef, ...]",
    ) -> list[str]:
        """Return an empty list when written, else DynamoDB's reason codes by item: record,
        entry in the list, day, key's month, checks."""
        day = day_key(record.created_at.date(), shard)
        month = month_key(record.key_id, f"{record.created_at:%Y-%m}", shard)
        writes = [
            *puts,
            self._add_counters(day, {**counters, **counters_of_day(record)}),
            self._add_counters(month, {**counters, **counters_of_key(record)}),
            *checks,
        ]
        try:
            self._write_once(writes)
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            return [reason["Code"] for reason in reasons] or ["unknown"]
        except (BotoCoreError, ClientError):
            # The write may have been done, and only its response lost: then the record is not.
            if not self._is_stored(record.request_id):
                raise
        return []

    def _write_once(self, writes: "list[TransactWriteItemTypeDef]") -> None:
        self._dynamodb.transact_write_items(TransactItems=writes)

    def _is_stored(self, request_id: str) -> bool:
        try:
            found = self._dynamodb.get_item(
                TableName=self._table,
                Key=record_key(request_id),
                ConsistentRead=True,
                ProjectionExpression="pk",
            )
        except (BotoCoreError, ClientError):
            return False
        return "Item" in found

    def _put_texts(self, texts: dict[str, str]) -> None:
        """A record without its long texts is a record all the same: its costs are counted."""
        for name, text in texts.items():
            try:
                self._texts.put(name, text)
            except StoreError as error:
                logger.error("The text %s was not stored: %s", name, type(error).__name__)

    def load(self, request_id: str, key_id: str | None) -> JsonObject | None:
        key = record_key(request_id)
        try:
            item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get(
                "Item"
            )
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"Results cannot be read: {error}") from error
        if item is None or key_id not in (None, item["key_id"]["S"]):
            return None
        if (
            int(item["expires_at"]["N"]) <= self._now()
        ):  # DynamoDB deletes expired items within days
            return None
        return read_record(item, self._texts)

    def _take_out_long_texts(self, request_id: str, content: JsonObject) -> dict[str, str]:
        """Replace long texts in `content` by their S3 keys, and return the texts by key."""
        found: dict[str, str] = {}
        for field in TEXTS:
            text = content.get(field)
            if isinstance(text, str) and _bytes_as_json(text) > MAX_TEXT_BYTES:
                content[field] = None
                content[f"{field}_s3"] = name = f"{request_id}/{field}"
                found[name] = text
        return found

    def _put(
        self, record: RequestRecord, content: JsonObject, expires_at: int
    ) -> "TransactWriteItemTypeDef":
        item: dict[str, AttributeValueTypeDef] = {
            **record_key(record.request_id),
            "key_id": {"S": record.key_id},
            "created_at": {"S": record.created_at.isoformat()},
            "expires_at": {"N": str(expires_at)},
        }
        if record.user is not None:
            item["user"] = {"S": record.user}
            item.update(user_in_index(record.request_id, record.user))
        if record.idempotency_id is not None:
            item["idempotency_id"] = {"S": record.idempotency_id}
        if record.session_id is not None:
            item["session"] = {"S": record.session_id}
        if isinstance(record.replay, Replay):
            item.update(record_in_index(record.request_id, record.created_at.date()))
        for field in ("replay", *(f"{text}_s3" for text in TEXTS)):
            value = content.pop(field, None)
            if value is not None:
                item[field] = {"S": str(value)}
        item["record"] = {"S": json.dumps(content, ensure_ascii=False, separators=(",", ":"))}
        return {
            "Put": {
                "TableName": self._table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _list(self, record: RequestRecord, expires_at: int) -> "TransactWriteItemTypeDef":
        return {"Put": {"TableName": self._table, "Item": listed_entry(record, expires_at)}}

    def _add_counters(self, key: "Item", counters: dict[str, float]) -> "TransactWriteItemTypeDef":
        names = list(counters)
        return {
            "Update": {
                "TableName": self._table,
                "Key": key,
                "UpdateExpression": "ADD " + ", ".join(f"#{i} :{i}" for i in range(len(names))),
                "ExpressionAttributeNames": {f"#{i}": name for i, name in enumerate(names)},
                "ExpressionAttributeValues": {
                    f":{i}": {"N": _number(counters[name])} for i, name in enumerate(names)
                },
            }
        }


def _replay_json(replay: Replay) -> str:
    content: JsonObject = {"conversation": [*replay.conversation], "params": replay.params}
    if replay.turn:
        content["turn"] = [*replay.turn]
    if replay.tool_calls or offers_tools(replay.params):
        content["tool_calls"] = [*replay.tool_calls]
    return json.dumps(content, ensure_ascii=False)


def _bytes_as_json(text: str) -> int:
    if len(text) * 6 <= MAX_TEXT_BYTES:  # short enough even if every character is escaped
        return 0
    return len(json.dumps(text, ensure_ascii=False).encode())


def _number(value: float) -> str:
    """Use twelve decimals: a token of the cheapest models costs about 0.00000003 USD."""
    return f"{value:.12f}" if value and not isinstance(value, int) else str(int(value))
