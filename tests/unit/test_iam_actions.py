"""What the local stack's IAM derives from requests."""

import json
from dataclasses import replace
from typing import Any

import pytest

from local.aws.actions import Call, accesses
from local.aws.policies import Access, UnsupportedRequestError

ACCOUNT = "us-east-1:123456789012"
TABLE = f"arn:aws:dynamodb:{ACCOUNT}:table/results"
FUNCTION = f"arn:aws:lambda:{ACCOUNT}:function:promote"
LEADING = "dynamodb:leadingkeys"


def call(
    service: str,
    target: str = "",
    body: str = "",
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
) -> Call:
    return Call(
        service=service,
        region="us-east-1",
        account="123456789012",
        method=method,
        path=path,
        query=query,
        target=target,
        body=body.encode(),
        partition_key=lambda _, index: "user" if index else "pk",
    )


def dynamodb(operation: str, **body: Any) -> list[Access]:
    return accesses(call("dynamodb", f"DynamoDB_20120810.{operation}", json.dumps(body)))


def with_json(service: str, operation: str, **body: str) -> tuple[str, str]:
    [access] = accesses(call(service, f"Any.{operation}", json.dumps(body)))
    assert access.conditions == {}
    return access.action, access.resource


def s3(method: str, path: str, query: str = "", body: str = "") -> list[Access]:
    return accesses(call("s3", body=body, method=method, path=path, query=query))


def key(pk: str) -> dict[str, dict[str, str]]:
    return {"sk": {"S": "RUN"}, "pk": {"S": pk}}


def test_parameters_read_together_are_one_access_each() -> None:
    body = json.dumps({"Names": ["/stage/prompt/live", "/stage/switches:3"]})
    found = accesses(call("ssm", "AmazonSSM.GetParameters", body))
    prefix = f"arn:aws:ssm:{ACCOUNT}:parameter/stage"
    assert found == [
        Access("ssm:GetParameters", f"{prefix}/prompt/live"),
        Access("ssm:GetParameters", f"{prefix}/switches"),
    ]


def test_an_item_access_names_the_table_and_the_partition_key() -> None:
    access = Access("dynamodb:GetItem", TABLE, {LEADING: ("RUNS",)})
    assert dynamodb("GetItem", TableName="results", Key=key("RUNS")) == [access]
    access = Access("dynamodb:PutItem", TABLE, {LEADING: ("RUNS",)})
    assert dynamodb("PutItem", TableName="results", Item=key("RUNS")) == [access]


def test_an_update_has_the_attributes_that_it_names() -> None:
    [access] = dynamodb(
        "UpdateItem",
        TableName="keys",
        Key={"pk": {"S": "KEY#1"}},
        UpdateExpression="SET until = :until, #n = if_not_exists(#n, :zero) REMOVE tags",
        ConditionExpression="attribute_exists(pk) AND NOT revoked_at = :now",
        ExpressionAttributeNames={"#n": "name"},
    )
    assert access.conditions == {
        LEADING: ("KEY#1",),
        "dynamodb:attributes": ("name", "pk", "revoked_at", "tags", "until"),
    }


def test_a_batch_has_the_keys_of_all_its_items() -> None:
    keys = {"Keys": [key("DAY#1"), key("DAY#2")]}
    assert dynamodb("BatchGetItem", RequestItems={"results": keys}) == [
        Access(
            "dynamodb:BatchGetItem",
            TABLE,
            {LEADING: ("DAY#1", "DAY#2"), "dynamodb:select": ("ALL_ATTRIBUTES",)},
        )
    ]


def test_a_batch_that_asks_for_some_attributes_names_them() -> None:
    wanted = {
        "Keys": [key("DAY#1")],
        "ProjectionExpression": "#0, cost",
        "ExpressionAttributeNames": {"#0": "pk"},
    }
    [access] = dynamodb("BatchGetItem", RequestItems={"results": wanted})
    assert access.conditions == {
        LEADING: ("DAY#1",),
        "dynamodb:attributes": ("cost", "pk", "sk"),
        "dynamodb:select": ("SPECIFIC_ATTRIBUTES",),
    }


def test_a_transaction_needs_the_permissions_of_its_parts() -> None:
    parts = [
        {"Put": {"TableName": "results", "Item": key("1")}},
        {
            "Update": {
                "TableName": "results",
                "Key": key("2"),
                "UpdateExpression": "ADD n :n, #total :total",
                "ExpressionAttributeNames": {"#total": "total"},
            }
        },
        {"Delete": {"TableName": "results", "Key": key("3")}},
        {"ConditionCheck": {"TableName": "results", "Key": key("4")}},
    ]
    assert dynamodb("TransactWriteItems", TransactItems=parts) == [
        Access("dynamodb:PutItem", TABLE, {LEADING: ("1",)}),
        Access(
            "dynamodb:UpdateItem",
            TABLE,
            {LEADING: ("2",), "dynamodb:attributes": tuple(sorted({"n", "total", *key("2")}))},
        ),
        Access("dynamodb:DeleteItem", TABLE, {LEADING: ("3",)}),
        Access("dynamodb:ConditionCheckItem", TABLE, {LEADING: ("4",)}),
    ]


@pytest.mark.parametrize(
    "condition", ["pk = :pk", "#p=:pk AND begins_with(sk, :sk)", "sk = :sk AND (#p = :pk)"]
)
def test_a_query_has_the_key_in_its_condition(condition: str) -> None:
    values = {":pk": {"S": "RUNS"}, ":sk": {"S": "RUN"}}
    assert dynamodb(
        "Query",
        TableName="results",
        KeyConditionExpression=condition,
        ExpressionAttributeNames={"#p": "pk"},
        ExpressionAttributeValues=values,
    ) == [Access("dynamodb:Query", TABLE, {LEADING: ("RUNS",)})]


def test_a_query_of_an_index_has_the_indexs_arn_and_key() -> None:
    assert dynamodb(
        "Query",
        TableName="results",
        IndexName="by_user",
        KeyConditionExpression="user = :user",
        ExpressionAttributeValues={":user": {"S": "ada"}},
    ) == [Access("dynamodb:Query", f"{TABLE}/index/by_user", {LEADING: ("ada",)})]


def test_a_query_whose_key_is_not_found_is_an_error() -> None:
    with pytest.raises(UnsupportedRequestError, match="KeyConditionExpression"):
        dynamodb("Query", TableName="results", KeyConditions={})


def test_a_scan_has_no_keys() -> None:
    assert dynamodb("Scan", TableName="results") == [Access("dynamodb:Scan", TABLE)]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_an_object_accesses_it(method: str) -> None:
    object_arn = "arn:aws:s3:::texts/a b/ü.json"
    assert s3(method, "/texts/a b/ü.json", "x-id=GetObject") == [Access("s3:GetObject", object_arn)]


@pytest.mark.parametrize(("method", "action"), [("PUT", "PutObject"), ("DELETE", "DeleteObject")])
def test_writing_an_object_accesses_it(method: str, action: str) -> None:
    assert s3(method, "/texts/a") == [Access(f"s3:{action}", "arn:aws:s3:::texts/a")]


def test_a_list_accesses_the_bucket() -> None:
    bucket = "arn:aws:s3:::texts"
    listed = [Access("s3:ListBucket", bucket, {"s3:prefix": ("a/",)})]
    assert s3("GET", "/texts", "list-type=2&prefix=a%2F") == listed
    assert s3("GET", "/texts", "list-type=2") == [Access("s3:ListBucket", bucket)]
    assert s3("HEAD", "/texts") == [Access("s3:ListBucket", bucket)]


def test_a_batch_deletion_accesses_each_object() -> None:
    body = (
        '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a</Key></Object>'
        "<Object><Key>b/c</Key></Object><Quiet>true</Quiet></Delete>"
    )
    assert s3("POST", "/texts", "delete", body) == [
        Access("s3:DeleteObject", "arn:aws:s3:::texts/a"),
        Access("s3:DeleteObject", "arn:aws:s3:::texts/b/c"),
    ]


@pytest.mark.parametrize(
    ("path", "query", "resource"),
    [
        ("promote", "", FUNCTION),
        (FUNCTION, "", FUNCTION),
        (f"{FUNCTION}:live", "", f"{FUNCTION}:live"),
        ("promote", "Qualifier=live", f"{FUNCTION}:live"),
    ],
)
def test_a_function_is_invoked_with_its_qualifier(path: str, query: str, resource: str) -> None:
    path = f"/2015-03-31/functions/{path}/invocations"
    [access] = accesses(call("lambda", body="{}", path=path, query=query))
    assert access == Access("lambda:InvokeFunction", resource)


def test_json_requests_name_the_accessed_resource() -> None:
    parameter = f"arn:aws:ssm:{ACCOUNT}:parameter/a/b"
    assert with_json("ssm", "GetParameter", Name="/a/b") == ("ssm:GetParameter", parameter)
    assert with_json("ssm", "PutParameter", Name="/a/b") == ("ssm:PutParameter", parameter)
    queue = f"arn:aws:sqs:{ACCOUNT}:records"
    url = "http://127.0.0.1/123456789012/records"
    assert with_json("sqs", "SendMessage", QueueUrl=url) == ("sqs:SendMessage", queue)
    started = with_json("states", "StartExecution", stateMachineArn="arn:machine")
    assert started == ("states:StartExecution", "arn:machine")
    secret = with_json("secretsmanager", "GetSecretValue", SecretId="arn:secret-a1B2c3")
    assert secret == ("secretsmanager:GetSecretValue", "arn:secret-a1B2c3")


def test_form_requests_name_the_accessed_resource() -> None:
    form = "Action=Publish&TopicArn=arn%3Atopic&Message=told"
    assert accesses(call("sns", body=form)) == [Access("sns:Publish", "arn:topic")]


def test_get_caller_identity_needs_no_permission() -> None:
    assert accesses(call("sts", body="Action=GetCallerIdentity")) == []


@pytest.mark.parametrize(
    "unknown",
    [
        call("dynamodb", "DynamoDB_20120810.ExecuteStatement"),
        call("ssm", "AmazonSSM.DeleteParameter"),
        call("s3", method="PUT", path="/texts/a", query="acl"),
        call("s3", method="GET", path="/texts", query="policy"),
        call("lambda", method="GET", path="/2015-03-31/functions/promote"),
        call("ec2", body="Action=RunInstances"),
        call("secretsmanager", "secretsmanager.GetSecretValue", '{"SecretId": "by-name"}'),
    ],
    ids=lambda unknown: unknown.operation,
)
def test_an_unknown_call_is_not_silently_allowed(unknown: Call) -> None:
    with pytest.raises(UnsupportedRequestError, match=r"Add .* to local/aws/actions\.py"):
        accesses(unknown)


def test_an_answer_to_a_task_token_needs_the_state_machine_that_waits() -> None:
    sent = call("states", "AWSStepFunctions.SendTaskSuccess", '{"taskToken": "t", "output": "{}"}')
    waiting = replace(sent, machine_of={"t": "arn:of:the:machine"}.get)
    assert accesses(waiting) == [Access("states:SendTaskSuccess", "arn:of:the:machine")]
    assert accesses(sent) == [Access("states:SendTaskSuccess", "*")]
