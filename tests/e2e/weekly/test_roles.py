"""Each function can do only what its role allows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.aws.client import StackInfo
from tests.e2e.conftest import client_of
from tests.support.executions import wait_until
from tests.support.roles import as_role, denials, without_grant
from tests.support.scripted_models import Models, query, recorded
from tests.support.weekly import Weekly

RESULT = {"pk": {"S": "RESULT#1"}, "sk": {"S": "RESULT"}}


@pytest.fixture
def state(weekly: Weekly) -> Path:
    return weekly.logs.parent


@pytest.fixture(autouse=True)
def _expect_denials(state: Path) -> Iterator[None]:
    """Discard the expected denials: any other denial fails the stack's fixture."""
    yield
    denials(state)


def code_of(refused: "pytest.ExceptionInfo[ClientError]") -> str:
    return refused.value.response["Error"]["Code"]


def ask_with(stack: StackInfo, key: str) -> int:
    """Return the status for a key that the router has to look up."""
    headers = {"Authorization": f"Bearer {key}"}
    body = {"messages": [{"role": "user", "content": "hello"}]}
    return httpx.post(f"{stack.endpoint}/v1/route", headers=headers, json=body).status_code


def test_without_access_to_the_key_table_requests_are_rejected(weekly: Weekly, state: Path) -> None:
    assert ask_with(weekly.stack, "rs-unknown") == 401
    with without_grant(weekly.stack, "RouterRole", "dynamodb:GetItem", on="DataKeys"):
        assert ask_with(weekly.stack, "rs-unknown") == 503
    [denied] = denials(state)
    assert "RouterRole" in denied
    assert "is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:" in denied
    assert "AccessDeniedException" in log_of(weekly, "Router")
    # The process leaves a table that refused it alone for a few seconds.
    wait_until(lambda: ask_with(weekly.stack, "rs-unknown") == 401, 40)


def test_without_access_to_the_results_table_records_are_queued(
    weekly: Weekly, models: Models, state: Path
) -> None:
    client = client_of(weekly.stack)
    asked: Any = {"model": "auto", "messages": [{"role": "user", "content": query(2)}]}
    queue = variables_of(weekly)["RECORDS_QUEUE_URL"]
    with without_grant(weekly.stack, "RouterRole", "dynamodb:PutItem", on="RESULT#*"):
        lost = client.chat.completions.create(**asked).id
        # The record is saved after the answer has been sent.
        wait_until(lambda: any("dynamodb:PutItem" in denied for denied in denials(state)))
    [message] = weekly.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert lost in message["Body"]
    kept = client.chat.completions.create(**asked).id
    wait_until(lambda: has_record(weekly, kept))
    assert not has_record(weekly, lost)
    assert denials(state) == []


def test_a_run_without_access_to_the_examples_fails_with_a_notification(
    weekly: Weekly, state: Path
) -> None:
    weekly.seed([recorded(number) for number in range(4)])
    before = weekly.live
    with (
        without_grant(weekly.stack, "LearningStepsRole", "s3:GetObject", on="/seed/*"),
        weekly.waiting_briefly(),
    ):
        ended = weekly.run()
    assert (ended.status, ended.states[-1]) == ("FAILED", "Run failed")
    assert any("s3:GetObject" in denied for denied in denials(state))
    assert len(weekly.notifications()) == 1
    assert weekly.live == before
    assert weekly.run().status == "SUCCEEDED"


def test_a_machine_invokes_only_what_its_role_allows(weekly: Weekly) -> None:
    steps = weekly.function("LearningSteps")
    with without_grant(weekly.stack, "LearningWorkflowRole", "lambda:InvokeFunction", on=steps):
        execution = weekly.start()
        assert weekly.ended(execution).status == "FAILED"
    assert set(weekly.failures(execution)) == {"Lambda.AccessDeniedException"}


def test_a_schedule_starts_only_what_its_role_allows(weekly: Weekly) -> None:
    with (
        without_grant(weekly.stack, "LearningScheduleRole", "states:StartExecution", on=""),
        pytest.raises(ClientError) as refused,
    ):
        weekly.start()
    assert code_of(refused) == "AccessDeniedException"


@pytest.mark.parametrize("part", ["RouterRole", "LearningStepsRole", "LearningOptimizerRole"])
def test_only_the_promoter_writes_the_live_prompt(weekly: Weekly, part: str) -> None:
    version, document = weekly.live
    parameter = {"Name": weekly.stack.prompt_parameter, "Value": document, "Overwrite": True}
    with pytest.raises(ClientError, match="ssm:PutParameter") as refused:
        as_role(weekly.stack, part, "ssm").put_parameter(**parameter, Tier="Advanced")
    assert code_of(refused) == "AccessDeniedException"
    promoter = as_role(weekly.stack, "LearningPromoterRole", "ssm")
    assert promoter.put_parameter(**parameter, Tier="Advanced")["Version"] == version + 1


def test_conditions_on_partition_keys_are_enforced(weekly: Weekly) -> None:
    steps = as_role(weekly.stack, "LearningStepsRole", "dynamodb")
    lock = {"pk": {"S": "LOCK#learning"}, "sk": {"S": "LOCK"}}
    table = weekly.stack.results_table
    assert "Item" not in steps.get_item(TableName=table, Key=lock)
    with pytest.raises(ClientError, match="dynamodb:GetItem") as refused:
        steps.get_item(TableName=table, Key=RESULT)
    assert code_of(refused) == "AccessDeniedException"


def test_a_transaction_needs_the_permissions_of_its_parts(weekly: Weekly) -> None:
    router = as_role(weekly.stack, "RouterRole", "dynamodb")
    table = weekly.stack.results_table
    put = {"Put": {"TableName": table, "Item": RESULT}}
    delete = {"Delete": {"TableName": table, "Key": {**RESULT, "pk": {"S": "RESULT#2"}}}}
    with pytest.raises(ClientError, match="dynamodb:DeleteItem"):
        router.transact_write_items(TransactItems=[put, delete])
    router.transact_write_items(TransactItems=[put])


def test_the_router_writes_the_list_of_results_and_management_reads_it(weekly: Weekly) -> None:
    router, management = (
        as_role(weekly.stack, part, "dynamodb") for part in ("RouterRole", "ManagementRole")
    )
    table = weekly.stack.results_table
    entry = {"pk": {"S": "TIME#2026-01-01#0"}, "sk": {"S": "2026-01-01T00:00:00.000000Z#1"}}
    query = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": entry["pk"]},
    }
    router.put_item(TableName=table, Item=entry)
    assert management.query(**query)["Items"] == [entry]
    with pytest.raises(ClientError, match="dynamodb:Query"):
        router.query(**query)
    with pytest.raises(ClientError, match="dynamodb:PutItem"):
        management.put_item(TableName=table, Item=entry)
    whole = {
        "Keys": [RESULT],
        "ProjectionExpression": "pk, #r",
        "ExpressionAttributeNames": {"#r": "record"},
    }
    with pytest.raises(ClientError, match="dynamodb:BatchGetItem"):
        management.batch_get_item(RequestItems={table: whole})
    management.delete_item(TableName=table, Key=entry)


def test_a_missing_object_is_forbidden_without_permission_to_list(weekly: Weekly) -> None:
    bucket = variables_of(weekly)["TEXTS_BUCKET"]
    with pytest.raises(ClientError, match="s3:ListBucket") as refused:
        as_role(weekly.stack, "RouterRole", "s3").get_object(Bucket=bucket, Key="missing")
    assert code_of(refused) == "AccessDenied"
    with pytest.raises(ClientError) as refused:
        as_role(weekly.stack, "ManagementRole", "s3").get_object(Bucket=bucket, Key="missing")
    assert code_of(refused) == "NoSuchKey"


def test_objects_under_another_prefix_are_forbidden(weekly: Weekly) -> None:
    bucket = weekly.stack.learning_bucket
    promoter = as_role(weekly.stack, "LearningPromoterRole", "s3")
    with pytest.raises(ClientError, match=f"s3:PutObject on resource: arn:aws:s3:::{bucket}/runs"):
        promoter.put_object(Bucket=bucket, Key="runs/1", Body=b"")
    promoter.put_object(Bucket=bucket, Key="prompts/1", Body=b"")


def test_an_unsupported_call_is_denied_with_advice(weekly: Weekly) -> None:
    router = as_role(weekly.stack, "RouterRole", "dynamodb")
    with pytest.raises(ClientError, match=r"Add .* to local/aws/actions\.py") as refused:
        router.list_tables()
    assert code_of(refused) == "UnsupportedRequestError"


def log_of(weekly: Weekly, part: str) -> str:
    return (weekly.logs / f"{weekly.function(part)}.log").read_text()


def variables_of(weekly: Weekly) -> dict[str, str]:
    """Return the router's environment variables."""
    found = weekly.client("lambda").get_function_configuration(
        FunctionName=weekly.function("Router")
    )
    variables: dict[str, str] = found["Environment"]["Variables"]
    return variables


def has_record(weekly: Weekly, request_id: str) -> bool:
    key = {"pk": {"S": f"RESULT#{request_id}"}, "sk": {"S": "RESULT"}}
    found = weekly.client("dynamodb").get_item(TableName=weekly.stack.results_table, Key=key)
    return "Item" in found
