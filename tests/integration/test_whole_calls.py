"""A store that answers slowly, or not at all, holds nobody up."""

import time
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from route_switch.adapters.models.deadlines import time_left_s
from route_switch.adapters.s3 import S3TextStore
from route_switch.domain.errors import StoreError
from route_switch.wiring.aws_config import IN_REQUEST, clients
from tests.support.raw_server import SLOW, Serve, raw_server

TIMEOUT_S = 0.3
LATEST_S = 2.5
"""Much later than the deadline, for a busy machine; the servers would go on for minutes."""
CALLS: dict[str, dict[str, Any]] = {
    "dynamodb": {"TableName": "t", "Key": {"pk": {"S": "a"}}},
    "sqs": {"QueueUrl": "http://q/1/q", "MessageBody": "x"},
    "s3": {"Bucket": "b", "Key": "k", "Body": b"x"},
    "secretsmanager": {"SecretId": "s"},
    "ssm": {"Names": ["n"]},
}
METHODS = {
    "dynamodb": "get_item",
    "sqs": "send_message",
    "s3": "put_object",
    "secretsmanager": "get_secret_value",
    "ssm": "get_parameters",
}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


CASES = [("dynamodb", serve) for serve in SLOW] + [(name, SLOW[0]) for name in (*CALLS,)[1:]]


@pytest.mark.parametrize(("service", "serve"), CASES)
def test_a_call_ends_at_its_deadline_with_its_repeats(
    monkeypatch: pytest.MonkeyPatch, service: str, serve: Serve
) -> None:
    with raw_server(serve) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        client = clients(IN_REQUEST, TIMEOUT_S)(service)
        started = time.monotonic()
        with pytest.raises(BotoCoreError):
            getattr(client, METHODS[service])(**CALLS[service])
        assert time.monotonic() - started < LATEST_S
    assert time_left_s() is None, "the thread's next calls have no deadline"


@pytest.mark.parametrize("serve", SLOW, ids=lambda serve: serve.__name__)
def test_reading_a_long_text_ends_at_its_deadline(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    monkeypatch.setattr("route_switch.adapters.s3.READ_S", TIMEOUT_S)
    with raw_server(serve) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        store = S3TextStore(lambda: clients(IN_REQUEST, 60)("s3"), "texts")  # type: ignore[arg-type,return-value]  # the stubs' client
        started = time.monotonic()
        with pytest.raises(StoreError):
            store.get("k")
        assert time.monotonic() - started < LATEST_S
