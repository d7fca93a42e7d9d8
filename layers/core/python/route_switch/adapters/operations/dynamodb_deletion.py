"""Delete a request (record, feedback, entry in the list, stored answer, and texts in S3), and note
that it was deleted.

Counters stay: they contain no text, and the request was paid for.

    FORGOTTEN  <request id>  keys (digests of its texts), client, expires_at

The notes tell a learning run that a request it has seen was deleted. A run copies the texts of its
examples before that, so it checks the notes before it promotes a prompt, and again at its end.
Copies made even later (by a function that outlives its run) are removed at the end of the next run.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.listed_results import listed_key
from route_switch.adapters.results_table import (
    FORGOTTEN,
    LEARNING_KEYS,
    USERS_INDEX,
    USERS_KEYS,
    counted_key,
    feedback_key,
    item_key,
    read_record,
    read_replay,
    record_key,
    request_id_of,
    session_key,
    user_partitions,
)
from route_switch.adapters.s3 import S3TextStore
from route_switch.domain.clients import client_of
from route_switch.domain.operations.deletion import DeletionNote, StoredRequest, UserRequest
from route_switch.domain.ports import TextStore
from route_switch.domain.request_record import Replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    Item = dict[str, AttributeValueTypeDef]


class DynamoDbDeletion:
    """Every method raises `StoreError` when a store refuses or is unreachable."""

    def __init__(
        self, dynamodb: "DynamoDBClient", results: str, idempotency: str, texts: S3TextStore
    ) -> None:
        self._dynamodb = dynamodb
        self._results = results
        self._idempotency = idempotency
        self._texts = texts

    @store_errors()
    def find(self, request_id: str) -> StoredRequest | None:
        """Find expired requests too, as long as they are stored."""
        found = self._dynamodb.get_item(
            TableName=self._results, Key=record_key(request_id), ConsistentRead=True
        )
        item = found.get("Item")
        if item is None:
            return None
        return StoredRequest(
            request_id=request_id,
            key_id=item["key_id"]["S"],
            created_at=datetime.fromisoformat(item["created_at"]["S"]),
            idempotency_id=item["idempotency_id"]["S"] if "idempotency_id" in item else None,
            note=self._note(item) if LEARNING_KEYS[0] in item else None,
            session_id=item["session"]["S"] if "session" in item else None,
        )

    def _note(self, item: "Item") -> DeletionNote:
        user = item["user"]["S"] if "user" in item else None
        client = client_of(item["key_id"]["S"], user)
        return _deletion_note(item, self._texts, client, int(time.time()))

    def of_user(self, user: str, key_id: str | None, first: int) -> Iterator[UserRequest]:
        for number, partition in enumerate(user_partitions(user)[first:], start=first):
            for request_id in self._in_partition(partition, key_id):
                yield UserRequest(request_id, number)

    @store_errors()
    def delete(self, request: StoredRequest) -> None:
        self._texts.delete_all(f"{request.request_id}/")
        if request.idempotency_id is not None:
            self._delete_stored_answer(request.idempotency_id, request.request_id)
        if request.session_id is not None:
            self._delete_session(request.session_id, request.request_id)
        # One transaction, so that no feedback outlives the record that leads to it, and no copy of
        # the record counts again.
        keys = (
            record_key(request.request_id),
            feedback_key(request.request_id),
            listed_key(request.request_id, request.created_at),
        )
        self._dynamodb.transact_write_items(
            TransactItems=[
                *[self._deleting(key) for key in keys],
                {"Put": {"TableName": self._results, "Item": self._counted(request.request_id)}},
            ]
        )

    def _deleting(self, key: "Item") -> "TransactWriteItemTypeDef":
        return {"Delete": {"TableName": self._results, "Key": key}}

    def _counted(self, request_id: str) -> "Item":
        expires = int(time.time()) + NOTE_TTL_S
        return {**counted_key(request_id), "expires_at": {"N": str(expires)}}

    def _delete_stored_answer(self, item: str, request_id: str) -> None:
        """Skip an item that belongs to another request by now: idempotency keys can be reused."""
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            self._dynamodb.delete_item(
                TableName=self._idempotency,
                Key={"id": {"S": item}},
                ConditionExpression="contains(#data, :request_id)",
                ExpressionAttributeNames={"#data": "data"},
                ExpressionAttributeValues={":request_id": {"S": request_id}},
            )

    def _delete_session(self, session_id: str, request_id: str) -> None:
        """Skip the state of a session that a later request has continued: it reveals nothing about
        this one."""
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            self._dynamodb.delete_item(
                TableName=self._results,
                Key=session_key(session_id),
                ConditionExpression="request_id = :request_id",
                ExpressionAttributeValues={":request_id": {"S": request_id}},
            )

    def _in_partition(self, partition: str, key_id: str | None) -> Iterator[str]:
        user_key, sort_key = USERS_KEYS
        condition, values = f"{user_key} = :user", {":user": {"S": partition}}
        if key_id is not None:
            condition += f" AND {sort_key} = :key"
            values[":key"] = {"S": key_id}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._results,
            IndexName=USERS_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
        )
        with store_errors():
            for page in pages:
                yield from map(request_id_of, page["Items"])


def _deletion_note(
    item: "Mapping[str, AttributeValueTypeDef]", texts: TextStore, client: str, at: int
) -> DeletionNote:
    """Return a note without keys when the text has left S3: then only the id can be recognized."""
    record, replay = read_record(item, texts), read_replay(item, texts)
    request_id, text = request_id_of(item), record["query_text"]
    only_id = DeletionNote(request_id, frozenset(), client, at)
    if not isinstance(text, str) or replay is None:
        return only_id
    try:
        kept = TypeAdapter(Replay).validate_python(replay)
    except ValidationError:
        return only_id
    return DeletionNote.from_request(
        request_id, text, kept.conversation, kept.params, kept.turn, client, at
    )


NOTE_TTL_S = 104 * 24 * 3600
"""The longest learning window (90 days) plus two weeks for its runs."""


class DynamoDbDeletionNotes:
    """The time of a deletion follows from the time at which its note expires."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    @store_errors()
    def add(self, request: DeletionNote) -> None:
        item: Item = {
            **item_key(FORGOTTEN, request.request_id),
            "keys": {"L": [{"S": key} for key in sorted(request.keys)]},
            "expires_at": {"N": str(int(request.at) + NOTE_TTL_S)},
        }
        if request.client is not None:
            item["client"] = {"S": request.client}
        self._dynamodb.put_item(TableName=self._table, Item=item)

    @store_errors()
    def all(self) -> list[DeletionNote]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": FORGOTTEN}},
            ConsistentRead=True,
        )
        return [_as_note(item) for page in pages for item in page["Items"]]


def _as_note(item: "Mapping[str, AttributeValueTypeDef]") -> DeletionNote:
    return DeletionNote(
        request_id=item["sk"]["S"],
        keys=frozenset(key["S"] for key in item["keys"]["L"]),
        client=item["client"]["S"] if "client" in item else None,
        at=float(item["expires_at"]["N"]) - NOTE_TTL_S,
    )
