"""Deleting a user while another key owns many requests under the same name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest

from route_switch.adapters.operations.dynamodb_deletion import DynamoDbDeletion
from route_switch.adapters.results_table import record_key, user_in_index
from route_switch.domain.operations.deletion import StoredRequest
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    OTHER_KEY,
    Api,
    api_maker,
    mocked_aws,
)
from tests.reliability.section import Aim, Section

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

USER = "shared-name"
MAX_CALLS = 50
BATCH = 25


@dataclass(frozen=True, slots=True)
class Deleted:
    """What it took to delete a user: calls, and records read by all of them."""

    calls: int
    complete: bool
    deleted: int
    records_read: int


def store(key: str, count: int) -> None:
    """Store requests that this key sent for the user."""
    dynamodb = boto3.client("dynamodb")
    puts = [{"PutRequest": {"Item": _record(f"chatcmpl-{key}-{n}", key)}} for n in range(count)]
    for start in range(0, count, BATCH):
        dynamodb.batch_write_item(RequestItems={"results": puts[start : start + BATCH]})


def delete_user(api: Api, key: str) -> Deleted:
    """Call until the deletion is complete, as a client would."""
    read = 0
    find = DynamoDbDeletion.find

    def counted(store: DynamoDbDeletion, request_id: str) -> StoredRequest | None:
        nonlocal read
        read += 1
        return find(store, request_id)

    deleted, path = 0, f"/v1/users/{USER}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoDbDeletion, "find", counted)
        for call in range(1, MAX_CALLS + 1):
            body = api("DELETE", path, key=key).body
            deleted += int(str(body["deleted_results"]))
            if body["complete"]:
                return Deleted(call, True, deleted, read)
            path = f"/v1/users/{USER}?cursor={body['cursor']}"
    return Deleted(MAX_CALLS, False, deleted, read)


def attack(own: int, foreign: int, key: str = CLIENT_KEY) -> Deleted:
    with pytest.MonkeyPatch.context() as patch, mocked_aws(patch), api_maker(patch) as make:
        api = make()
        store(CLIENT_KEY, own)
        store(OTHER_KEY, foreign)
        return delete_user(api, key)


def measure() -> Section:
    cases = [(14, foreign, CLIENT_KEY) for foreign in (0, 600, 6000)] + [(14, 600, ADMIN_KEY)]
    found = [attack(*case) for case in cases]
    at_once = sum(each.complete and each.calls == 1 for each in found)
    return Section(
        name="deletion",
        title="Deleting a user",
        promise=(
            "A key's deletion of a user completes, however many requests other keys have under the "
            "same name."
        ),
        method=(
            "Requests are stored directly; `DELETE /v1/users/{user}` runs through the real handler "
            "on moto, in one process, and is repeated with the answer's cursor until it is "
            "complete. Each row is one run, because the counts do not vary."
        ),
        columns=(
            "key",
            "own requests",
            "other key's requests",
            "calls",
            "complete",
            "deleted",
            "records read",
        ),
        rows=tuple(_row(*case, each) for case, each in zip(cases, found, strict=True)),
        aims=(
            Aim(
                "a deletion is complete after one call, however many requests other keys have",
                f"{at_once} of {len(found)}",
                at_once == len(found),
            ),
        ),
        notes=(
            "Before the index was by user and key, four calls of 18 s deleted 8, 2, 0 and 0 of 14 "
            "own requests beside 6,000 of another key, and never completed.",
        ),
    )


def _row(own: int, foreign: int, key: str, found: Deleted) -> tuple[str, ...]:
    return (
        "admin" if key == ADMIN_KEY else "client",
        f"{own:,}",
        f"{foreign:,}",
        str(found.calls),
        "yes" if found.complete else "no",
        f"{found.deleted:,}",
        f"{found.records_read:,}",
    )


def _record(request_id: str, key: str) -> "dict[str, AttributeValueTypeDef]":
    return {
        **record_key(request_id),
        **user_in_index(request_id, USER),
        "key_id": {"S": f"key_{key}"},
        "user": {"S": USER},
        "created_at": {"S": "2026-11-01T00:00:00+00:00"},
        "expires_at": {"N": "4000000000"},
        "record": {"S": "{}"},
    }
