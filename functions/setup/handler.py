"""The custom resource of the first deployment: makes the first keys, and has the promoter start
the live prompt."""

import json
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config

from route_switch.adapters.keys_table import item_of, key_id_of
from route_switch.adapters.prompts.lambda_function import LambdaFunction
from route_switch.domain.api_keys import ApiKey, Role, hash_key
from route_switch.services.operations.first_deploy import FirstKeys, ensure_first_keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef
    from mypy_boto3_ssm import SSMClient

    Item = dict[str, AttributeValueTypeDef]

Event = dict[str, Any]  # CloudFormation's; only strings are read from it

_log = logging.getLogger()
_PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
_ONCE = Config(connect_timeout=3, read_timeout=45, retries={"total_max_attempts": 1})
"""All calls together end before the function does, so that an outage is reported as well."""


def lambda_handler(event: Event, _context: object) -> None:
    """Answers CloudFormation whatever happens: without an answer the stack would hang."""
    try:
        if event["RequestType"] != "Delete":
            set_up(event["RequestType"])
    except Exception as error:
        _log.exception("The setup failed.")
        respond(event, "FAILED", f"{type(error).__name__}: {error}")
    else:
        respond(event, "SUCCESS", "")


def set_up(request_type: str) -> None:
    """Keys are made on Create only; a live prompt that is missing is made on Update as well."""
    if request_type == "Create":
        ssm = boto3.client("ssm", config=_PATIENCE)
        store = DynamoKeyStore(boto3.client("dynamodb", config=_PATIENCE), os.environ["KEYS_TABLE"])
        ensure_first_keys(store, SsmHandover(ssm, os.environ["FIRST_KEYS_PARAMETER"]))
    promoter = boto3.client("lambda", config=_ONCE)
    LambdaFunction(promoter, os.environ["PROMOTER_FUNCTION"])({"step": "start"})


def respond(event: Event, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason[:1000],  # CloudFormation takes 4 KB for the whole answer
        "PhysicalResourceId": event.get("PhysicalResourceId", "first-deploy"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # An empty content type is part of the signed address.
    request = Request(  # noqa: S310 - the address comes from CloudFormation
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    urlopen(request, timeout=10).close()  # noqa: S310 - as above


class DynamoKeyStore:
    """The first keys, and an item that marks that they were made."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def has_first_keys(self) -> bool:
        marker = self._client.get_item(
            TableName=self._table, Key={"pk": {"S": "FIRST_KEYS"}}, ConsistentRead=True
        )
        return "Item" in marker

    def add_first_keys(self, keys: FirstKeys) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        marker: Item = {"pk": {"S": "FIRST_KEYS"}, "created_at": {"S": now}}
        items = (
            marker,
            first_key(keys.client, "client", now),
            first_key(keys.admin, "admin", now),
        )
        self._client.transact_write_items(TransactItems=[self._put(item) for item in items])

    def _put(self, item: "Item") -> "TransactWriteItemTypeDef":
        new = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": new}}


def first_key(key: str, role: Role, now: str) -> "Item":
    digest = hash_key(key)
    return item_of(ApiKey(key_id_of(digest), f"first-{role}", role), digest, now)


class SsmHandover:
    """A SecureString parameter; the owner reads it once and deletes it."""

    def __init__(self, client: "SSMClient", name: str) -> None:
        self._client = client
        self._name = name

    def read(self) -> FirstKeys | None:
        try:
            answer = self._client.get_parameter(Name=self._name, WithDecryption=True)
        except self._client.exceptions.ParameterNotFound:
            return None
        return FirstKeys(**json.loads(answer["Parameter"]["Value"]))

    def write(self, keys: FirstKeys) -> None:
        self._client.put_parameter(
            Name=self._name,
            Description="The first keys of route-switch, shown once: read, then delete this",
            Value=json.dumps({"client": keys.client, "admin": keys.admin}),
            Type="SecureString",
        )
