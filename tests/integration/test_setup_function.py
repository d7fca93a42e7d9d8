"""The setup function against moto. CloudFormation is a server on loopback, and the promoter runs in
this process."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import boto3
import pytest
from moto import mock_aws
from mypy_boto3_ssm import SSMClient

from functions.setup.handler import lambda_handler
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.domain.api_keys import hash_key
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import to_markdown
from route_switch.services.prompts.publish_prompt import PublishPrompt
from tests.support.aws_clients import share_clients
from tests.support.context import FakeContext
from tests.support.in_process import run_in_process
from tests.support.local_models import MemoryModels

SEED = to_markdown(packaged_prompt())

ENVIRONMENT = {
    "KEYS_TABLE": "keys",
    "PROMOTER_FUNCTION": "promoter",
    "FIRST_KEYS_PARAMETER": "/test/first-keys",
    "SWITCHES_PARAMETER": "/test/switches",
    "ROUTING_START": "shadow",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


class CloudFormation:
    """Sends the custom resource's events and keeps the responses."""

    def __init__(self) -> None:
        self.answers: list[dict[str, str]] = []
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Silent."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def request(self, request_type: str) -> dict[str, str]:
        event = {
            "RequestType": request_type,
            "ResponseURL": f"http://127.0.0.1:{self._server.server_port}/",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "FirstDeploy",
        }
        lambda_handler(event, None)
        return self.answers[-1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SSMClient]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        share_clients(monkeypatch)
        boto3.client("dynamodb").create_table(
            TableName="keys",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client = boto3.client("ssm")
        client.put_parameter(Name="/test/seed", Value=SEED, Type="String")
        run_in_process(monkeypatch, {"promoter": start})
        yield client


def start(event: JsonObject, _: FakeContext) -> JsonObject:
    """Act like `functions.promote`, which also needs learning's environment."""
    assert event == {"step": "start"}
    prompts = SsmPromptStore(boto3.client("ssm"), "/test/live", "/test/seed")
    return {"version": PublishPrompt(prompts, prompts, NoLock(), MemoryModels()).start()}


class NoLock:
    """No other process changes the prompt here."""

    def hold(self) -> AbstractContextManager[None]:
        return nullcontext()


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    sender = CloudFormation()
    yield sender
    sender.close()


def value(ssm: SSMClient, name: str) -> str:
    return ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def names(ssm: SSMClient) -> set[str]:
    return {found["Name"] for found in ssm.describe_parameters()["Parameters"]}


def key_items() -> dict[str, dict[str, object]]:
    items = boto3.client("dynamodb").scan(TableName="keys")["Items"]
    return {item["pk"]["S"]: dict(item) for item in items if item["pk"]["S"].startswith("KEY#")}


def test_create_hands_over_keys_stores_their_hashes_and_starts_the_live_prompt(
    ssm: SSMClient, cloudformation: CloudFormation
) -> None:
    answer = cloudformation.request("Create")
    assert answer["Status"] == "SUCCESS"
    keys = json.loads(value(ssm, "/test/first-keys"))
    assert key_items().keys() == {f"KEY#{hash_key(key)}" for key in keys.values()}
    client = key_items()[f"KEY#{hash_key(keys['client'])}"]
    assert client["role"] == {"S": "client"}
    assert client["allowed_tiers"] == {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}
    assert value(ssm, "/test/live") == SEED
    assert json.loads(value(ssm, "/test/switches"))["router"] == "shadow"


def test_a_stage_that_starts_with_routing_on_gets_no_switches(
    ssm: SSMClient, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTING_START", "on")
    assert cloudformation.request("Create")["Status"] == "SUCCESS"
    assert "/test/switches" not in names(ssm)


def test_no_deployment_changes_switches_that_exist(
    ssm: SSMClient, cloudformation: CloudFormation
) -> None:
    ssm.put_parameter(Name="/test/switches", Value='{"pin_tier": 2}', Type="String")
    for request_type in ("Create", "Update"):
        assert cloudformation.request(request_type)["Status"] == "SUCCESS"
    assert value(ssm, "/test/switches") == '{"pin_tier": 2}'


def test_an_upgraded_stage_without_switches_keeps_routing(
    ssm: SSMClient, cloudformation: CloudFormation
) -> None:
    """CloudFormation sends Update, or nothing. Without switches, everything is on."""
    assert cloudformation.request("Update")["Status"] == "SUCCESS"
    assert "/test/switches" not in names(ssm)
    assert SsmSwitchStore(ssm, "/test/switches").read().routing == "on"


def test_a_second_create_changes_neither_keys_nor_a_learned_prompt(
    ssm: SSMClient, cloudformation: CloudFormation
) -> None:
    first = cloudformation.request("Create")
    before = key_items()
    ssm.put_parameter(Name="/test/live", Value="learned", Type="String", Overwrite=True)
    ssm.delete_parameter(Name="/test/first-keys")
    again = cloudformation.request("Create")
    assert (again["Status"], again["PhysicalResourceId"]) == (
        "SUCCESS",
        first["PhysicalResourceId"],
    )
    assert key_items() == before
    assert value(ssm, "/test/live") == "learned"


def test_update_creates_a_missing_live_prompt_but_no_keys(
    ssm: SSMClient, cloudformation: CloudFormation
) -> None:
    assert cloudformation.request("Update")["Status"] == "SUCCESS"
    assert value(ssm, "/test/live") == SEED
    assert key_items() == {}


def test_delete_does_nothing(ssm: SSMClient, cloudformation: CloudFormation) -> None:
    assert cloudformation.request("Delete")["Status"] == "SUCCESS"
    assert len(ssm.describe_parameters()["Parameters"]) == 1
    assert key_items() == {}


def test_a_failure_is_reported_with_its_reason(
    ssm: SSMClient, cloudformation: CloudFormation
) -> None:
    ssm.delete_parameter(Name="/test/seed")
    answer = cloudformation.request("Create")
    assert answer["Status"] == "FAILED"
    assert "InvocationError: promoter failed: PromptError: There is no seed" in answer["Reason"]
