"""DynamoDB responses that moto never gives."""

from typing import TYPE_CHECKING, cast

import boto3
import pytest
from botocore.stub import ANY, Stubber

from route_switch.adapters.dynamodb_results import MAX_TRIES, DynamoDbResultStore
from route_switch.domain.errors import StoreError
from tests.support.records import RECORD

if TYPE_CHECKING:
    from route_switch.domain.ports import TextStore


def save(*answers: list[str]) -> tuple[Exception | None, list[float]]:
    """Save a record with these responses: cancellation codes by item, none for a success."""
    client = boto3.client(
        "dynamodb", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    pauses: list[float] = []
    store = DynamoDbResultStore(client, "results", cast("TextStore", None), pauses.append)
    with Stubber(client) as stubber:
        for codes in answers:
            if codes:
                stubber.add_client_error(
                    "transact_write_items",
                    "TransactionCanceledException",
                    modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
                )
            else:
                stubber.add_response("transact_write_items", {}, {"TransactItems": ANY})
        try:
            store.save(RECORD, 1)
        except StoreError as error:
            return error, pauses
        stubber.assert_no_pending_responses()
    return None, pauses


def test_a_conflict_with_another_request_is_retried() -> None:
    conflict = ["None", "TransactionConflict", "None"]
    error, pauses = save(conflict, conflict, [])
    assert error is None
    assert len(pauses) == 2
    assert all(0 <= pause < 0.1 for pause in pauses)


def test_an_existing_record_counts_as_saved() -> None:
    assert save(["ConditionalCheckFailed", "None", "None"]) == (None, [])


def test_endless_conflicts_and_other_refusals_are_errors() -> None:
    error, pauses = save(*[["None", "TransactionConflict", "None"]] * MAX_TRIES)
    assert "TransactionConflict" in str(error)
    assert len(pauses) == MAX_TRIES
    error, pauses = save(["ValidationError", "None", "None"])
    assert "ValidationError" in str(error)
    assert pauses == []


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_throttling_is_retried(code: str) -> None:
    assert save(["None", "None", code], [])[0] is None
